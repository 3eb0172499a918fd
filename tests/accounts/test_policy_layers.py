"""What holds before and after reach and role: who may, who may not, and in which words."""

import pytest

from accounts.policy import Effect
from tests.accounts.asking import (
    ALLOWED,
    BYPASS,
    NOWHERE,
    OPEN,
    answer,
    ask,
    grant,
    own,
    restricted,
    shown,
)

DROP = ["drop_*"]


@pytest.mark.parametrize(
    ("who", "target", "expected"),
    [
        ({}, {}, ALLOWED),
        (
            {"status": "suspended"},
            {},
            ("deny", "standing", "status of dev@example.com: suspended"),
        ),
        ({"status": "pending"}, {}, ("deny", "standing", "status of dev@example.com: pending")),
        ({"status": "inactive"}, {}, ("deny", "standing", "status of dev@example.com: inactive")),
        ({"status": "later"}, {}, ("deny", "standing", "status of dev@example.com: later")),
        ({}, {"enabled": False}, ("deny", "standing", "db: enabled is false")),
        ({}, {"enabled": True, "server_off": True}, ("deny", "standing", "db: kill switch")),
        ({}, {"enabled": False, "server_off": True}, ("deny", "standing", "db: kill switch")),
        ({}, {"state": "quarantined"}, ("deny", "standing", "state of get_a on db: quarantined")),
        ({}, {"state": "gone"}, ("deny", "standing", "state of get_a on db: gone")),
        ({}, {"state": "new"}, ("deny", "standing", "state of get_a on db: new")),
        (
            {"super_admin": True, "status": "suspended"},
            {},
            ("deny", "standing", "status of dev@example.com: suspended"),
        ),
    ],
)
def test_standing_holds_for_everybody(who, target, expected):
    assert answer(ask(who=who, **target)) == expected


@pytest.mark.parametrize(
    ("document", "who", "expected", "bypassed"),
    [
        (
            {"blocked_tools": DROP},
            {},
            ("deny", "global blocks", "global.blocked_tools: drop_*"),
            (),
        ),
        (
            {"blocked_tools": DROP},
            {"super_admin": True},
            ("allow", "role", "super admin"),
            ("global.blocked_tools: drop_*",),
        ),
        (
            {"blocked_tools": DROP} | BYPASS,
            {},
            ("allow", "role", "roles.dev.can_bypass_tool_restrictions"),
            ("global.blocked_tools: drop_*",),
        ),
        ({"blocked_tools": ["drop_b"]}, {}, ALLOWED, ()),
        (
            {"groups": {"dangerous": DROP}},
            {},
            ("deny", "global blocks", "tool_patterns.dangerous: @dangerous (drop_*)"),
            (),
        ),
        (
            {
                "groups": {"dangerous": DROP},
                "roles": {"dev": {"can_execute_dangerous_tools": True}},
            },
            {},
            ALLOWED,
            (),
        ),
        (
            {
                "groups": {"dangerous": DROP},
                "blocked_tools": DROP,
                "roles": {"dev": {"can_execute_dangerous_tools": True}},
            },
            {},
            ("deny", "global blocks", "global.blocked_tools: drop_*"),
            (),
        ),
        (
            {"admin_only_tools": DROP},
            {},
            ("deny", "admin only", "global.admin_only_tools: drop_*"),
            (),
        ),
        (
            {"admin_only_tools": DROP} | BYPASS,
            {},
            ("allow", "role", "roles.dev.can_bypass_tool_restrictions"),
            ("global.admin_only_tools: drop_*",),
        ),
        (
            {"admin_only_tools": DROP},
            {"super_admin": True},
            ("allow", "role", "super admin"),
            ("global.admin_only_tools: drop_*",),
        ),
        (
            {"admin_only_tools": DROP, "default_effect": "allow"},
            {"role": "admin"},
            ("allow", "default", "global.default_effect: allow"),
            (),
        ),
    ],
)
def test_blocks_and_admin_only_are_passed_by_few_and_a_bypass_is_named(
    document, who, expected, bypassed
):
    decision = ask(document, tool="drop_a", who=who)
    assert (answer(decision), decision.bypassed) == (expected, bypassed)


@pytest.mark.parametrize(
    ("document", "target", "expected"),
    [
        ({"require_confirmation": {"actions": ["drop_*"]}}, {}, ALLOWED),
        (
            {"require_confirmation": {"enabled": True, "actions": ["get_*"]}},
            {},
            ("ask", "confirmation", "require_confirmation.actions: get_*"),
        ),
        ({"require_confirmation": {"enabled": False, "actions": ["get_*"]}}, {}, ALLOWED),
        (
            {"servers": {"db": {**OPEN["servers"]["db"], "confirm_destructive": True}}},
            {},
            ("ask", "confirmation", "confirm_destructive of db"),
        ),
        (
            {"servers": {"db": {**OPEN["servers"]["db"], "confirm_destructive": True}}},
            {"destructive": False},
            ALLOWED,
        ),
        ({}, {"destructive": True}, ALLOWED),
    ],
)
def test_some_calls_wait_for_a_persons_yes(document, target, expected):
    assert answer(ask(document, **target)) == expected


def test_a_super_admin_is_asked_too_and_a_question_is_not_a_permission():
    decision = ask({"require_confirmation": {"actions": ["*"]}}, who={"super_admin": True})
    assert (decision.effect, decision.allowed) == (Effect.ASK, False)


def test_the_trace_names_every_layer_asked_in_order_with_its_verdict():
    steps = [(str(step.layer), str(step.verdict)) for step in ask().trace]
    assert steps == [
        ("standing", "pass"),
        ("global blocks", "pass"),
        ("admin only", "pass"),
        ("exposure", "pass"),
        ("reach", "pass"),
        ("own rule", "pass"),
        ("role", "allow"),
        ("arguments", "pass"),
        ("confirmation", "pass"),
    ]


def test_a_listing_says_that_arguments_are_not_yet_known():
    decision = shown()
    assert (answer(decision), str(decision.trace[-2].verdict)) == (ALLOWED, "not yet known")


def test_a_refusal_carries_a_sentence_and_the_smallest_fix():
    assert ask(restricted(deny=["get_*"])).summary() == {
        "effect": "deny",
        "layer": "role",
        "rule": "role_restrictions.dev on db: deny get_*",
        "reason": "The role dev may not call get_a on db.",
        "fix": "ask for get_a on db",
        "bypassed": [],
        "grant_helps": True,
    }


@pytest.mark.parametrize(
    ("document", "who"),
    [
        (restricted(deny=["get_*"]), {}),
        ({"servers": {}}, {}),
        ({}, NOWHERE),
        ({}, own({"mode": "none"})),
        ({}, own({"mode": "custom", "tools": ["run"]})),
    ],
)
def test_where_the_fix_is_to_ask_for_the_tool_a_grant_of_it_is_enough(document, who):
    refused = ask(document, who=who)
    granted = ask(document, who=who | grant("get_a"))
    assert (refused.fix, refused.allowed, granted.allowed) == ("ask for get_a on db", False, True)
