"""One decision takes one look at the marks, and the next one sees what has changed since."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from audit import looks, stamps
from audit.stamps import Kept

pytestmark = pytest.mark.django_db


def role_names():
    return sorted(Role.objects.values_list("name", flat=True))


def test_in_one_look_everything_is_judged_by_the_marks_as_they_were_at_first():
    Role.objects.create(name="one")
    kept = Kept("accounts")
    with looks.one_look():
        assert kept.get("roles", role_names) == ["one"]
        with CaptureQueriesContext(connection) as asked, looks.one_look():
            assert [kept.get("roles", role_names) for _ in range(3)] == [["one"]] * 3
    assert asked.captured_queries == []


def test_what_changes_during_one_look_counts_at_the_next():
    Role.objects.create(name="one")
    kept = Kept("accounts")
    with looks.one_look():
        assert kept.get("roles", role_names) == ["one"]
        Role.objects.create(name="two")
        assert kept.get("roles", role_names) == ["one"]
    assert kept.get("roles", role_names) == ["one", "two"]


def test_what_is_worked_out_late_in_one_look_is_not_taken_for_what_came_before():
    kept = Kept("accounts")
    Role.objects.create(name="one")
    with looks.one_look():
        stamps.marks("accounts")
        Role.objects.create(name="two")
        assert kept.get("roles", role_names) == ["one", "two"]
    Role.objects.create(name="three")
    assert kept.get("roles", role_names) == ["one", "three", "two"]


def test_a_look_that_failed_leaves_none_behind():
    with pytest.raises(RuntimeError), looks.one_look():
        stamps.marks("accounts")
        raise RuntimeError
    Role.objects.create(name="one")
    assert looks._block.get() is None


def test_the_last_block_to_share_a_look_ends_it():
    Role.objects.create(name="one")
    kept = Kept("accounts")
    with looks.one_look():
        assert kept.get("roles", role_names) == ["one"]
        Role.objects.create(name="two")
        with looks.one_look(last=True):
            assert kept.get("roles", role_names) == ["one"]
        assert kept.get("roles", role_names) == ["one", "two"]
    assert looks._block.get() is None


def test_after_a_wait_what_was_seen_before_is_not_gone_by():
    Role.objects.create(name="one")
    kept = Kept("accounts")
    with looks.one_look():
        assert kept.get("roles", role_names) == ["one"]
        Role.objects.create(name="two")
        looks.look_again()
        assert kept.get("roles", role_names) == ["one", "two"]
    looks.look_again()
    assert looks._block.get() is None
