"""Too many refused calls within an hour (on the record, and in the end a suspension)."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from accounts import switching
from accounts.models import User
from audit import record
from audit.models import Entry
from audit.record import Who
from gateway import calls, errors
from gateway.models import Door
from registry.models import Server

pytestmark = pytest.mark.django_db

WHO = Who(person="ada@example.com", door="admin")


@pytest.fixture(autouse=True)
def limited(settings):
    settings.MAX_BLOCKED_ACTIONS_PER_HOUR = 3
    settings.SUSPEND_ON_BLOCKED_ACTIONS = True


def blocked(cast, user, tool="write_note", times=1):
    """Try what the policy refuses this often."""
    for _ in range(times):
        arguments = {"text": "x"} if tool == "write_note" else {}
        wish = calls.Wish(cast.asker(user), Door.REST, "upstream", tool, arguments)
        with pytest.raises((errors.Refused, errors.UnknownTool)):
            calls.call(wish)


def status(user) -> str:
    return User.objects.get(pk=user.pk).status


def reached() -> list[tuple[str, int, bool]]:
    entries = Entry.objects.filter(kind="limit.reached").order_by("pk")
    return [(e.person, e.detail["blocked"], e.detail["suspends"]) for e in entries]


def test_at_the_limit_the_person_is_suspended_on_the_record(cast, upstream):
    blocked(cast, cast.dev, times=2)
    assert (status(cast.dev), reached()) == ("active", [])
    blocked(cast, cast.dev)

    entry = Entry.objects.get(kind="person.changed")
    assert (status(cast.dev), reached()) == ("suspended", [("dev@example.com", 3, True)])
    assert (entry.detail["person"], entry.detail["reason"]) == (
        "dev@example.com",
        "3 blocked actions an hour",
    )


def test_nobody_else_is_meant(cast, upstream):
    blocked(cast, cast.dev, times=2)
    blocked(cast, cast.guest, times=2)

    assert (status(cast.dev), status(cast.guest)) == ("active", "active")


def test_what_is_older_than_an_hour_is_forgotten(cast, upstream):
    blocked(cast, cast.dev, times=1)
    old = record.prepare(
        "call.refused", "refused", who=Who(person=cast.dev.email), error_code="refused"
    )
    old.at = timezone.now() - timedelta(minutes=61)
    record.write_many([old])
    blocked(cast, cast.dev, times=1)

    assert status(cast.dev) == "active"


def test_only_the_policys_no_counts(cast, upstream):
    blocked(cast, cast.dev, tool="nothing_of_the_kind", times=5)

    assert (status(cast.dev), reached()) == ("active", [])


def test_whoever_is_activated_begins_at_nothing(cast, upstream):
    blocked(cast, cast.dev, times=3)
    switching.activate(cast.dev, by=cast.ada, who=WHO)
    blocked(cast, cast.dev, times=2)
    assert status(cast.dev) == "active"
    blocked(cast, cast.dev)

    assert status(cast.dev) == "suspended"


def test_a_super_admin_is_not_suspended_but_it_is_recorded_once(cast, upstream):
    User.objects.filter(pk=cast.dev.pk).update(is_superuser=True, allowed_mcps=[])
    Server.objects.get().switch(on=False, who=WHO)
    blocked(cast, User.objects.get(pk=cast.dev.pk), times=5)

    assert (status(cast.dev), reached()) == ("active", [("dev@example.com", 3, False)])


@pytest.mark.parametrize(
    ("most", "suspend", "expected"),
    [(0, True, []), (3, False, [("dev@example.com", 3, False)])],
)
def test_it_can_be_turned_off_or_only_recorded(cast, upstream, settings, most, suspend, expected):
    settings.MAX_BLOCKED_ACTIONS_PER_HOUR = most
    settings.SUSPEND_ON_BLOCKED_ACTIONS = suspend
    blocked(cast, cast.dev, times=5)

    assert (status(cast.dev), reached()) == ("active", expected)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_the_one_at_the_limit_suspends_and_none_twice(cast, upstream):
    start = threading.Barrier(3)

    def go() -> None:
        start.wait()
        blocked(cast, cast.dev)
        connections.close_all()

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (status(cast.dev), reached()) == ("suspended", [("dev@example.com", 3, True)])
