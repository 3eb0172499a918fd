"""The command that lists versions and goes back to one."""

import pytest
from django.core.management import CommandError

from accounts import access
from accounts.models import PolicyVersion, Rule
from audit.models import Entry
from tests.omni2.importing import command

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(cast):
    first = PolicyVersion.objects.get()
    Rule.objects.create(kind="blocked", patterns=["delete_*"])
    return first, access.publish("bob@example.com", "blocked more")


def test_without_a_version_they_are_listed_newest_first(two):
    lines = [line.split() for line in command("rollback_policy")]
    assert [(words[0], *words[3:5]) for words in lines] == [
        (str(two[1].pk), "bob@example.com", "blocked"),
        (str(two[0].pk), "tests", "tool_patterns.dangerous:"),
    ]


def test_a_dry_run_says_what_would_change_and_changes_nothing(two):
    assert command("rollback_policy", str(two[0].pk), "--dry-run") == [
        "global.blocked_tools: removed delete_*",
        "dry run: nothing was changed",
    ]
    assert access.current()[1] == two[1].digest


def test_going_back_is_in_force_and_names_its_author(two):
    lines = command("rollback_policy", str(two[0].pk), "--author", "carol")

    newest = PolicyVersion.objects.latest("pk")
    assert lines == [
        "global.blocked_tools: removed delete_*",
        f"version {newest.pk} is in force; it says what version {two[0].pk} says",
    ]
    assert access.current()[1] == two[0].digest
    assert Entry.objects.get(kind="policy.changed").person == "carol"


@pytest.mark.parametrize(("pk", "said"), [(-1, "no version"), (0, "in force already")])
def test_what_cannot_be_gone_back_to_is_refused(two, pk, said):
    with pytest.raises(CommandError, match=said):
        command("rollback_policy", f"{pk or two[1].pk}")
