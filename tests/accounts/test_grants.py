"""The end of a grant is on the record, once for each end it had."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import grants
from accounts.models import ServerGrant
from audit.models import Entry


@pytest.fixture
def grant(cast):
    yesterday = timezone.now() - timedelta(days=1)
    return ServerGrant.objects.create(
        user=cast.dev, server="db", tools=["*"], expires_at=yesterday, granted_by="ada@example.com"
    )


def noted():
    rows = Entry.objects.filter(kind=Entry.Kind.GRANT_EXPIRED)
    return [(row.outcome, row.server, row.detail["person"]) for row in rows]


ENDED = ("expired", "db", "dev@example.com")


def test_an_end_is_noted_once(grant):
    assert [grants.note_ended(), grants.note_ended()] == [1, 0]
    assert noted() == [ENDED]


def test_what_still_counts_is_not_noted(grant):
    for until in (None, timezone.now() + timedelta(days=1)):
        ServerGrant.objects.update(expires_at=until)
        assert grants.note_ended() == 0
    assert noted() == []


def test_a_grant_that_was_prolonged_ends_again(grant):
    grants.note_ended()
    ServerGrant.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert grants.note_ended() == 0

    ServerGrant.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert grants.note_ended() == 1
    assert noted() == [ENDED, ENDED]


def test_another_process_that_was_faster_leaves_nothing_to_note(grant):
    stale = ServerGrant.objects.select_related("user").get()
    grants.note_ended()
    assert grants._note(stale) is False
    assert noted() == [ENDED]
