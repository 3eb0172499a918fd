"""Layers 1 to 8 and 10, each with one who may and one who may not, and the words they use."""

from datetime import timedelta

import pytest

from accounts.policy import Effect, Grant
from tests.accounts.asking import NOW, OPEN, answer, ask, shown

DROP = ["drop_*"]
BYPASS = {"roles": {"dev": {"can_bypass_tool_restrictions": True}}}
ROLE_SAYS = "role_restrictions.dev on db: "
ALLOWED = ("allow", "role", ROLE_SAYS + "allow_all")


def restricted(**said):
    return {"servers": {"db": {"role_restrictions": {"dev": said}}}}


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


def exposed(mode, **lists):
    return {"servers": {"db": {**OPEN["servers"]["db"], "tool_policy": {"mode": mode, **lists}}}}


@pytest.mark.parametrize(
    ("document", "who", "expected"),
    [
        (exposed("allow_all"), {}, ALLOWED),
        (exposed("allow_all_except", exclude=["drop_*"]), {}, ALLOWED),
        (exposed("allow_only", allow=["get_*"]), {}, ALLOWED),
        (
            exposed("allow_all_except", exclude=["get_*"]),
            {},
            ("deny", "exposure", "tool_policy of db: allow_all_except get_*"),
        ),
        (
            exposed("allow_only", allow=["drop_*", "run"]),
            {"super_admin": True},
            ("deny", "exposure", "tool_policy of db: allow_only drop_*, run"),
        ),
        (
            exposed("allow_only", allow=[]) | BYPASS,
            {},
            ("deny", "exposure", "tool_policy of db: allow_only nothing"),
        ),
    ],
)
def test_what_a_server_does_not_expose_is_there_for_nobody(document, who, expected):
    assert answer(ask(document, who=who)) == expected


def grant(*tools, server="db", until=None):
    return {"grants": (Grant(server, tools, until),)}


YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)
NOWHERE = {"allowed_mcps": []}
OUT_OF_REACH = ("deny", "reach", "allowed_mcps of dev@example.com")


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ({}, ALLOWED),
        ({"allowed_mcps": "*"}, ALLOWED),
        ({"allowed_mcps": ["db", "crm"]}, ALLOWED),
        ({"allowed_mcps": ["DB"]}, OUT_OF_REACH),
        ({"allowed_mcps": ["*"]}, OUT_OF_REACH),
        ({"allowed_mcps": {"crm": "*"}}, OUT_OF_REACH),
        ({"allowed_mcps": 7}, OUT_OF_REACH),
        (NOWHERE, OUT_OF_REACH),
        (NOWHERE | {"super_admin": True}, ("allow", "role", "super admin")),
        (NOWHERE | {"role": "admin"}, ("deny", "default", "global.default_effect: deny")),
        (NOWHERE | grant("get_a"), ("allow", "own rule", "grant on db: get_a")),
        (
            NOWHERE | grant("get_*", until=TOMORROW),
            ("allow", "own rule", "grant on db until 2026-05-02 12:00: get_*"),
        ),
        (NOWHERE | grant("get_a", until=NOW), OUT_OF_REACH),
        (NOWHERE | grant("get_a", until=YESTERDAY), OUT_OF_REACH),
        (NOWHERE | grant("get_a", server="crm"), OUT_OF_REACH),
        ({"only_servers": frozenset({"db"})}, ALLOWED),
        (
            {"only_servers": frozenset({"crm", "git"}), "super_admin": True},
            ("deny", "reach", "API key: only crm, git"),
        ),
        (
            {"only_servers": frozenset()} | grant("get_a"),
            ("deny", "reach", "API key: only no server"),
        ),
    ],
)
def test_reach_is_the_persons_or_the_default_users_and_a_key_only_narrows_it(who, expected):
    assert answer(ask(who=who)) == expected


def test_without_any_reach_at_all_nothing_is_reached():
    document = {"default_user": {}, "default_effect": "allow"}
    assert answer(ask(document)) == ("deny", "reach", "default_user.allowed_mcps")


def own(entry, **more):
    return {"allowed_mcps": {"db": entry}, **more}


OWN = "allowed_mcps of dev@example.com for db"


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (own({"mode": "inherit"}), ALLOWED),
        (own("*"), ("allow", "own rule", f"{OWN}: all")),
        (own({"mode": "all"}), ("allow", "own rule", f"{OWN}: all")),
        (own({"mode": "none"}), ("deny", "own rule", f"{OWN}: none")),
        (own({"mode": "custom", "tools": ["get_*"]}), ("allow", "own rule", f"{OWN}: get_*")),
        (own({"mode": "custom", "tools": ["run"]}), ("deny", "own rule", f"{OWN}: custom")),
        (own({"mode": "custom"}), ("deny", "own rule", f"{OWN}: custom")),
        (
            own({"mode": "custom", "tools": ["*"], "deny": ["get_a"]}),
            ("deny", "own rule", f"{OWN}: deny get_a"),
        ),
        (own({"mode": "all", "deny": ["get_a"]}), ("deny", "own rule", f"{OWN}: deny get_a")),
        (own({"mode": "inherit", "deny": ["get_a"]}), ("deny", "own rule", f"{OWN}: deny get_a")),
        (own({"mode": "none"}, super_admin=True), ("deny", "own rule", f"{OWN}: none")),
        (own({"mode": "none"}, **grant("get_a")), ("allow", "own rule", "grant on db: get_a")),
        (own({"mode": "none"}, **grant("run")), ("deny", "own rule", f"{OWN}: none")),
        (
            own({"mode": "custom", "deny": ["get_a"]}, **grant("get_a")),
            ("deny", "own rule", f"{OWN}: deny get_a"),
        ),
        (own({"mode": "inherit"}, **grant("run")), ALLOWED),
        (NOWHERE | grant("run"), ("deny", "own rule", "grant on db")),
        (NOWHERE | grant("run") | {"super_admin": True}, ("allow", "role", "super admin")),
        (NOWHERE | grant("get_["), ("deny", "own rule", "grant on db")),
        (own({"mode": "custom", "tools": ["get_["]}), ("deny", "own rule", OWN)),
        (own({"mode": "all", "deny": ["@nobody"]}), ("deny", "own rule", OWN)),
        (own({"mode": "all", "deny": "get_a"}), ("deny", "own rule", OWN)),
        (own({"mode": "everything"}), ("deny", "own rule", OWN)),
        (own({"tools": ["get_a"]}), ("deny", "own rule", OWN)),
        (own("all"), ("deny", "own rule", OWN)),
        (own(None), ("deny", "own rule", OWN)),
    ],
)
def test_the_own_rule_decides_unless_it_inherits_and_grants_only_add(who, expected):
    assert answer(ask(who=who)) == expected


def test_the_default_users_own_rules_hold_for_a_person_without_any():
    document = {"default_user": {"allowed_mcps": {"db": {"mode": "none"}}}}
    assert answer(ask(document)) == ("deny", "own rule", "default_user.allowed_mcps for db: none")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (restricted(allow_all=True), ALLOWED),
        (restricted(allow_only=["get_*"]), ("allow", "role", ROLE_SAYS + "allow_only get_*")),
        (restricted(deny=["drop_*"]), ("allow", "role", ROLE_SAYS + "deny drop_*")),
        (
            restricted(allow_all_except=["drop_*"]),
            ("allow", "role", ROLE_SAYS + "allow_all_except drop_*"),
        ),
        (restricted(deny_all=True, allow_all=True), ("deny", "role", ROLE_SAYS + "deny_all")),
        (restricted(allow_only=["run"]), ("deny", "role", ROLE_SAYS + "allow_only run")),
        (restricted(allow_only=[]), ("deny", "role", ROLE_SAYS + "allow_only nothing")),
        (restricted(deny=["get_*"], allow_all=True), ("deny", "role", ROLE_SAYS + "deny get_*")),
        (
            restricted(allow_all_except=["get_a"]),
            ("deny", "role", ROLE_SAYS + "allow_all_except get_a"),
        ),
        (restricted(allow_all=False), ("deny", "default", "global.default_effect: deny")),
        (
            {"roles": {"dev": {"denied_tools": ["db/get_*"]}}},
            ("deny", "role", "roles.dev.denied_tools: db/get_*"),
        ),
        (
            {"servers": {}, "roles": {"dev": {"allowed_mcp_tools": {"db": ["get_*"]}}}},
            ("allow", "role", "roles.dev.allowed_mcp_tools.db: get_*"),
        ),
        (
            {"servers": {}, "roles": {"dev": {"allowed_mcp_tools": {"crm": ["get_*"]}}}},
            ("deny", "default", "global.default_effect: deny"),
        ),
        (
            {"servers": {}, "roles": {"dev": {"allowed_tool_patterns": ["*_a"]}}},
            ("allow", "role", "roles.dev.allowed_tool_patterns: *_a"),
        ),
        (
            restricted(allow_only=["run"]) | {"roles": {"dev": {"allowed_tool_patterns": ["*"]}}},
            ("deny", "role", ROLE_SAYS + "allow_only run"),
        ),
        ({"servers": {}}, ("deny", "default", "global.default_effect: deny")),
        (
            {"servers": {}, "default_effect": "allow"},
            ("allow", "default", "global.default_effect: allow"),
        ),
        (
            restricted(deny_all=True) | {"default_effect": "allow"},
            ("deny", "role", ROLE_SAYS + "deny_all"),
        ),
        (
            restricted(deny_all=True) | BYPASS,
            ("allow", "role", "roles.dev.can_bypass_tool_restrictions"),
        ),
    ],
)
def test_a_roles_denial_wins_then_its_permission_then_the_default(document, expected):
    assert answer(ask(document)) == expected


TEAMS = {"teams": {"data": {"default_role": "dev"}, "ops": {"default_role": "ops"}}}


@pytest.mark.parametrize(
    ("document", "who", "expected"),
    [
        (TEAMS, {"role": None, "teams": ("data",)}, ALLOWED),
        (TEAMS, {"role": None, "teams": ()}, ("deny", "default", "global.default_effect: deny")),
        (
            TEAMS,
            {"role": "ops", "teams": ("data",)},
            ("deny", "default", "global.default_effect: deny"),
        ),
        (TEAMS, {"role": None, "teams": ("ops", "data")}, ALLOWED),
        (
            TEAMS | {"roles": {"ops": {"denied_tools": ["*"]}}},
            {"role": None, "teams": ("data", "ops")},
            ("deny", "role", "roles.ops.denied_tools: *"),
        ),
        (
            TEAMS
            | {
                "blocked_tools": ["get_a"],
                "roles": {"ops": {"can_bypass_tool_restrictions": True}},
            },
            {"role": None, "teams": ("data", "ops")},
            ("deny", "global blocks", "global.blocked_tools: get_a"),
        ),
        (
            {"default_user": {"role": "dev", "allowed_mcps": "*"}},
            {"role": None},
            ALLOWED,
        ),
    ],
)
def test_without_a_role_the_teams_count_all_together_then_the_default_users(
    document, who, expected
):
    assert answer(ask(document, who=who)) == expected


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
