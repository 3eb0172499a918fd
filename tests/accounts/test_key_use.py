"""The use of keys on the record: who, with which key, from where; not each request."""

import pytest
from django.db import OperationalError, connection
from django.db.transaction import atomic
from django.utils import timezone

from accounts import key_use
from accounts.models import ApiKey
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def key(cast):
    return ApiKey.issue(cast.dev, "laptop", servers=["upstream"])[0]


def used(key, address):
    key_use.note(key, Who(person=key.user.email, api_key=key.prefix, address=address))


def noted():
    rows = Entry.objects.filter(kind="key.used").order_by("pk")
    return [(row.person, row.api_key, row.address, row.detail["name"]) for row in rows]


def test_a_key_is_noted_once_from_each_address(cast, key):
    for address in (HERE, HERE, THERE, HERE):
        used(key, address)

    assert noted() == [
        ("dev@example.com", key.prefix, HERE, "laptop"),
        ("dev@example.com", key.prefix, THERE, "laptop"),
    ]


def test_it_is_noted_anew_when_the_time_has_passed(key, monkeypatch):
    used(key, HERE)
    monkeypatch.setattr(key_use, "EVERY_SECONDS", 0.0)
    used(key, HERE)

    assert len(noted()) == 2


def test_more_keys_than_are_remembered_are_written_down_again_rather_than_missed(key, monkeypatch):
    monkeypatch.setattr(key_use, "REMEMBERED", 1)
    for address in (HERE, THERE, HERE):
        used(key, address)

    assert [address for _, _, address, _ in noted()] == [HERE, THERE, HERE]


def full_disk(execute, sql, params, many, context):
    if sql.startswith("INSERT"):
        raise OperationalError("disk full")
    return execute(sql, params, many, context)


def test_a_use_that_cannot_be_written_down_is_tried_again_by_the_next_request(key):
    with connection.execute_wrapper(full_disk), pytest.raises(OperationalError), atomic():
        used(key, HERE)
    assert noted() == []

    used(key, HERE)
    assert len(noted()) == 1


def test_a_key_that_is_refused_is_not_noted_as_used(cast, client_of):
    client = client_of(cast.dev)
    ApiKey.objects.update(revoked_at=timezone.now())

    assert (client.get("/api/me").status_code, noted()) == (401, [])


def test_what_comes_in_with_a_good_key_is_noted(cast, client_of):
    client = client_of(cast.dev)
    assert [client.get("/api/me").status_code for _ in range(2)] == [200, 200]

    assert [(person, address) for person, _, address, _ in noted()] == [
        ("dev@example.com", "127.0.0.1")
    ]
