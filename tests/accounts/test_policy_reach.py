"""What a person reaches: what the server exposes, whom it is for, their own rule, grants."""

from datetime import timedelta

import pytest

from tests.accounts.asking import ALLOWED, BYPASS, NOW, NOWHERE, OPEN, answer, ask, grant, own


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


YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)
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
