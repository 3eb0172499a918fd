"""What is read of the record at a door, and whose it is."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import record
from audit.models import Entry
from gateway.record import reading
from tests.gateway.record.conftest import written

pytestmark = pytest.mark.django_db


def test_what_another_person_of_the_same_address_did_before_is_not_ones_own(cast):
    before = record.prepare("auth.login", "ok", who=record.Who(person=cast.dev.email))
    before.at = cast.dev.date_joined - timedelta(seconds=1)
    record.write_many([before])
    cast.dev.date_joined = timezone.now() - timedelta(seconds=1)
    since = written(cast.dev.email)

    assert list(reading.own(cast.dev)) == [since]


def test_a_list_is_one_query_that_reads_no_long_part(cast, entries):
    with CaptureQueriesContext(connection) as queries:
        found, _ = reading.page_of(Entry.objects.all(), {"limit": "3"})
        listed = reading.listed(found, {"limit": "3"})

    [query] = queries
    assert (len(listed["items"]), listed["limit"]) == (3, 3)
    assert [name for name in ("arguments", "preview", "inputs") if name in query["sql"]] == []
