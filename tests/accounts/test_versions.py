"""Versions of the policy: on the record with what they change, compared, and rolled back."""

import pytest
from django.db import DatabaseError, connection

from accounts import access, targets, versions
from accounts.errors import Conflict
from accounts.models import PolicyVersion, Role, Rule, ServerGrant
from accounts.policy import Target
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

ADA = Who(person="ada@example.com", door="cli")
TOOLS = ("echo", "get_a", "write_note")
LOST = (
    "role developer loses on upstream: echo, get_a (role_restrictions.developer on upstream: "
    "allow_only nothing)"
)


@pytest.fixture(autouse=True)
def tools(monkeypatch):
    """Three tools of one server, brought as the floor above brings them."""
    found = [Target("upstream", tool) for tool in TOOLS]
    monkeypatch.setattr(targets, "_sources", [lambda: found])


def narrow():
    Rule.objects.filter(kind="role").update(patterns=[])
    return versions.put_in_force(ADA, "narrowed")


def test_a_change_is_a_version_and_an_entry_with_its_difference_in_rules_and_effect(cast):
    version = narrow()

    rules = (
        "role_restrictions.developer on upstream: allow_only: removed echo, add, get_*, slow, "
        "fail, big, headers"
    )
    assert (version.author, version.note) == ("ada@example.com", "narrowed")
    assert (version.difference, versions.lines(versions.effect_of(version))) == (rules, [LOST])
    entry = Entry.objects.get(kind="policy.changed")
    assert (entry.person, entry.policy_version) == ("ada@example.com", version.digest)
    assert entry.detail == {
        "version": version.pk,
        "note": "narrowed",
        "difference": [rules],
        "effect": [LOST],
    }


def test_what_changes_nothing_is_neither_a_version_nor_an_entry(cast):
    in_force = versions.newest()
    assert versions.put_in_force(ADA, "nothing") == in_force
    assert not Entry.objects.filter(kind="policy.changed").exists()


def test_the_record_names_so_many_and_counts_the_rest(cast):
    assert versions.lines([1, 2, 3], most=2) == ["1", "2", "and 1 more"]
    assert versions.lines([1, 2], most=2) == ["1", "2"]


def test_rolling_back_puts_the_earlier_rules_into_force_on_the_record(cast):
    first, second = versions.newest(), narrow()

    made = versions.roll_back(first, who=ADA)

    assert made.pk > second.pk
    assert (made.digest, access.current()[1]) == (first.digest, first.digest)
    assert made.note == f"rolled back to version {first.pk}"
    entry = Entry.objects.filter(kind="policy.changed").latest("pk")
    assert entry.detail["rolled_back_to"] == first.pk
    assert entry.detail["effect"] == [
        "role developer gains on upstream: echo (role_restrictions.developer on upstream: "
        "allow_only echo)",
        "role developer gains on upstream: get_a (role_restrictions.developer on upstream: "
        "allow_only get_*)",
    ]


def test_rolling_back_brings_back_what_roles_and_teams_said_and_leaves_people_and_grants(cast):
    first = versions.newest()
    Role.objects.filter(name="developer").update(can_bypass_tool_restrictions=True)
    versions.put_in_force(ADA)
    ServerGrant.objects.create(user=cast.dev, server="upstream", tools=["write_note"])

    versions.roll_back(first, who=ADA)

    assert Role.objects.get(name="developer").can_bypass_tool_restrictions is False
    assert ServerGrant.objects.count() == 1


def test_the_version_in_force_cannot_be_rolled_back_to(cast):
    with pytest.raises(Conflict, match="in force already"):
        versions.roll_back(versions.newest(), who=ADA)
    assert PolicyVersion.objects.count() == 1


def test_a_version_that_was_tampered_with_is_not_rolled_back_to(cast):
    first, second = versions.newest(), narrow()
    PolicyVersion.objects.filter(pk=first.pk).update(document={"default_effect": "allow"})
    first.refresh_from_db()

    with pytest.raises(Conflict, match="not the one that its digest names"):
        versions.roll_back(first, who=ADA)

    assert access.current()[1] == second.digest
    assert Rule.objects.filter(kind="default_effect").exists() is False


def test_what_cannot_be_recorded_is_not_rolled_back(cast):
    first, second = versions.newest(), narrow()
    rules = list(Rule.objects.values_list())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry RENAME TO elsewhere")

    with pytest.raises(DatabaseError):
        versions.roll_back(first, who=ADA)

    assert (access.current()[1], list(Rule.objects.values_list())) == (second.digest, rules)


def test_two_versions_are_compared_for_the_people_and_tools_of_today(cast):
    first, second = versions.newest(), narrow()

    there, back = versions.compare(first, second), versions.compare(second, first)

    assert versions.lines(there.effect) == [LOST]
    assert [(change.who, change.after, change.tools) for change in back.effect] == [
        ("role developer", "allow", ("echo",)),
        ("role developer", "allow", ("get_a",)),
    ]
    assert back.rules == tuple(
        line.replace("removed", "added") for line in there.rules
    )  # fmt: skip


def test_a_version_older_than_effects_has_none_to_tell(cast):
    PolicyVersion.objects.update(effect=None)
    assert versions.effect_of(versions.newest()) == []
