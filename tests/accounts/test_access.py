"""Rows become the document that decides, versions of it, and one person as the policy sees them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import access
from accounts.errors import PolicyUnavailable
from accounts.models import PolicyVersion, Role, Rule, ServerGrant, Team, User
from accounts.policy import Grant, PolicyError, Subject, Target, decide

pytestmark = pytest.mark.django_db

EMPTY = {
    "default_effect": "deny",
    "blocked_tools": [],
    "admin_only_tools": [],
    "groups": {},
    "servers": {},
    "roles": {},
    "teams": {},
    "default_user": {},
    "argument_rules": [],
    "require_confirmation": {"enabled": True, "actions": []},
}


def rule(kind: str, **fields: object) -> Rule:
    return Rule.objects.create(kind=kind, **fields)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], {}),
        ([{"kind": "default_effect", "mode": "allow"}], {"default_effect": "allow"}),
        (
            [
                {"kind": "default_effect", "mode": "allow"},
                {"kind": "default_effect", "mode": "deny"},
            ],
            {"default_effect": "deny"},
        ),
        (
            [
                {"kind": "blocked", "patterns": ["a"], "position": 1},
                {"kind": "blocked", "patterns": ["b", "@g"]},
                {"kind": "group", "name": "g", "patterns": ["x_*"]},
            ],
            {"blocked_tools": ["b", "@g", "a"], "groups": {"g": ["x_*"]}},
        ),
        ([{"kind": "admin_only", "patterns": ["a"]}], {"admin_only_tools": ["a"]}),
        (
            [{"kind": "confirm", "patterns": ["drop_*"]}],
            {"require_confirmation": {"enabled": True, "actions": ["drop_*"]}},
        ),
        (
            [{"kind": "confirm", "server": "db", "mode": "destructive"}],
            {"servers": {"db": {"confirm_destructive": True}}},
        ),
        (
            [{"kind": "exposure", "server": "db", "mode": "allow_all"}],
            {"servers": {"db": {"tool_policy": {"mode": "allow_all"}}}},
        ),
        (
            [{"kind": "exposure", "server": "db", "mode": "allow_only", "patterns": ["a"]}],
            {"servers": {"db": {"tool_policy": {"mode": "allow_only", "allow": ["a"]}}}},
        ),
        (
            [{"kind": "exposure", "server": "db", "mode": "allow_all_except", "patterns": ["a"]}],
            {"servers": {"db": {"tool_policy": {"mode": "allow_all_except", "exclude": ["a"]}}}},
        ),
        (
            [
                {"kind": "role", "server": "db", "role": "dev", "mode": "deny", "patterns": ["a"]},
                {"kind": "role", "server": "db", "role": "dev", "mode": "allow_all"},
                {"kind": "role", "server": "crm", "role": "ops", "mode": "deny_all"},
            ],
            {
                "servers": {
                    "db": {"role_restrictions": {"dev": {"deny": ["a"], "allow_all": True}}},
                    "crm": {"role_restrictions": {"ops": {"deny_all": True}}},
                }
            },
        ),
        (
            [
                {
                    "kind": "argument",
                    "name": "small",
                    "patterns": ["*"],
                    "condition": {"argument": "limit", "max": 10},
                }
            ],
            {"argument_rules": [{"argument": "limit", "max": 10, "name": "small", "tools": ["*"]}]},
        ),
        (
            [{"kind": "default_user", "condition": {"role": "dev", "allowed_mcps": ["db"]}}],
            {"default_user": {"role": "dev", "allowed_mcps": ["db"]}},
        ),
    ],
)
def test_rules_become_the_document(rows, said):
    for row in rows:
        rule(**row)
    assert access.build_document() == EMPTY | said


def test_roles_and_teams_become_part_of_the_document():
    dev = Role.objects.create(name="dev", can_access_all_databases=True, denied_tools=["drop_*"])
    Team.objects.create(key="data", default_role=dev)
    Team.objects.create(key="none")
    document = access.build_document()
    assert (document["teams"], document["roles"]["dev"]) == (
        {"data": {"default_role": "dev"}},
        {
            "can_bypass_tool_restrictions": False,
            "can_execute_dangerous_tools": False,
            "can_access_all_databases": True,
            "denied_tools": ["drop_*"],
            "allowed_mcp_tools": {},
            "allowed_tool_patterns": [],
        },
    )


@pytest.mark.parametrize(
    "rows",
    [
        [{"kind": "blocked", "patterns": ["a b"]}],
        [{"kind": "blocked", "patterns": "a"}],
        [{"kind": "default_effect", "mode": "sometimes"}],
        [{"kind": "exposure", "server": "db", "mode": "allow_some"}],
        [
            {"kind": "exposure", "server": "db", "mode": "allow_all"},
            {"kind": "exposure", "server": "db", "mode": "allow_only"},
        ],
        [{"kind": "role", "server": "db", "role": "dev", "mode": "allow"}],
        [{"kind": "argument", "patterns": ["*"], "condition": {"argument": "x"}}],
        [{"kind": "argument", "patterns": ["*"], "condition": ["x"]}],
        [{"kind": "confirm", "server": "db", "patterns": ["a"]}],
        [{"kind": "default_user"}, {"kind": "default_user", "position": 1}],
        [{"kind": "default_user", "condition": {"allowed_mcps": ["*"]}}],
    ],
)
def test_rows_that_make_no_policy_are_not_published(rows):
    for row in rows:
        rule(**row)
    with pytest.raises(PolicyError):
        access.publish("ada@example.com")
    assert PolicyVersion.objects.count() == 0


def test_only_a_change_makes_a_version_and_it_says_who_made_it():
    rule("blocked", patterns=["drop_*"])
    first = access.publish("ada@example.com", "a rule added")
    same = access.publish("bob@example.com")
    rule("admin_only", patterns=["user_*"])
    second = access.publish("bob@example.com", "admin only: user_*")
    assert (first.pk, first.author, first.note, first.difference) == (
        same.pk,
        "ada@example.com",
        "a rule added",
        "global.blocked_tools: added drop_*",
    )
    assert second.difference == "global.admin_only_tools: added user_*"
    assert [version.author for version in PolicyVersion.objects.order_by("id")] == [
        "ada@example.com",
        "bob@example.com",
    ]
    assert (first.document["admin_only_tools"], second.document["admin_only_tools"]) == (
        [],
        ["user_*"],
    )


def test_going_back_to_earlier_rules_makes_a_new_version_in_force():
    access.publish("ada@example.com")
    added = rule("blocked", patterns=["drop_*"])
    access.publish("ada@example.com")
    added.delete()
    access.publish("ada@example.com")
    digests = list(PolicyVersion.objects.order_by("id").values_list("digest", flat=True))
    assert (len(digests), digests[0] == digests[2], access.current()[1]) == (3, True, digests[2])


def test_a_fresh_house_has_the_policy_that_denies():
    policy, digest = access.current()
    subject = Subject("p@example.com", super_admin=False, allowed_mcps="*")
    decision = decide(policy, subject, Target("db", "get_a"), None, timezone.now())
    assert (decision.rule, digest) == ("global.default_effect: deny", policy.digest)


def test_rules_that_were_never_published_let_nobody_do_anything():
    rule("default_effect", mode="allow")
    with pytest.raises(PolicyUnavailable):
        access.current()


@pytest.mark.parametrize(
    "stored",
    [{"document": {"default_effect": "allow"}}, {"document": {"blocked": 1}}, {"document": []}],
)
def test_a_version_that_was_tampered_with_lets_nobody_do_anything(stored):
    access.publish("ada@example.com")
    PolicyVersion.objects.update(digest="0" * 64, **stored)
    with pytest.raises(PolicyUnavailable):
        access.current()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_lets_nobody_do_anything():
    with connection.schema_editor() as editor:
        editor.delete_model(PolicyVersion)
    try:
        with pytest.raises(PolicyUnavailable):
            access.current()
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(PolicyVersion)


def test_a_new_version_is_in_force_at_the_next_call_and_a_known_one_costs_one_query():
    rule("blocked", patterns=["drop_*"])
    access.publish("ada@example.com")
    access.current()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        before, _ = access.current()
    rule("blocked", patterns=["get_*"], position=1)
    access.publish("ada@example.com")
    after, _ = access.current()
    found = [policy.blocked.texts for policy in (before, after)]
    assert (found, len(queries)) == ([("drop_*",), ("drop_*", "get_*")], 1)


def test_only_a_few_compiled_versions_are_kept():
    for number in range(access.KEPT_VERSIONS + 3):
        rule("blocked", patterns=[f"a{number}"], position=number)
        access.publish("ada@example.com")
        access.current()
    assert len(access._compiled) <= access.KEPT_VERSIONS


def person(**fields: object) -> User:
    return User.objects.create_user("p@example.com", **fields)


def test_a_person_without_anything_of_their_own_is_seen_bare():
    assert access.subject_of(person()) == Subject("p@example.com")


def test_a_person_is_seen_with_role_teams_reach_attributes_and_unexpired_grants():
    role = Role.objects.create(name="dev")
    user = person(
        role=role,
        allowed_mcps={"db": {"mode": "none"}},
        allowed_databases=["sales"],
        allowed_domains="*",
        is_superuser=True,
    )
    user.teams.set([Team.objects.create(key="ops"), Team.objects.create(key="data")])
    later = timezone.now() + timedelta(hours=1)
    ServerGrant.objects.create(user=user, server="db", tools=["get_*"], expires_at=later)
    ServerGrant.objects.create(user=user, server="old", tools=["*"], expires_at=timezone.now())
    assert access.subject_of(user, frozenset({"db"})) == Subject(
        "p@example.com",
        role="dev",
        teams=("data", "ops"),
        super_admin=True,
        allowed_mcps={"db": {"mode": "none"}},
        grants=(Grant("db", ("get_*",), later),),
        attributes={"allowed_databases": ("sales",), "allowed_domains": "*"},
        only_servers=frozenset({"db"}),
        views_record=True,
    )


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "active"),
        ({"status": "suspended"}, "suspended"),
        ({"status": "pending"}, "pending"),
        ({"is_active": False}, "inactive"),
        ({"is_active": False, "status": "suspended"}, "suspended"),
    ],
)
def test_the_standing_is_the_accounts(fields, status):
    assert access.subject_of(person(**fields)).status == status


@pytest.mark.parametrize("stored", ["sales", 7, {"sales": 1}, ["sales", 7]])
def test_an_attribute_that_cannot_be_read_gives_nothing(stored):
    user = person(allowed_databases=stored)
    assert access.subject_of(user).attributes == {"allowed_databases": ()}


def test_seeing_a_person_takes_two_queries():
    person(role=Role.objects.create(name="dev"))
    user = User.objects.select_related("role").get()
    with CaptureQueriesContext(connection) as queries:
        access.subject_of(user)
    assert len(queries) == 2
