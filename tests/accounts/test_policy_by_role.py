"""What a role says of a tool, and whose role it is."""

import pytest

from tests.accounts.asking import ALLOWED, BYPASS, ROLE_SAYS, answer, ask, restricted


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
