"""What two documents say differently, in the words of the configuration."""

import pytest

from accounts.difference import rules


def servers(**said):
    return {"servers": {"db": said}}


def restricted(**said):
    return servers(role_restrictions={"dev": said})


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({}, {}, []),
        ({}, {"default_effect": "allow"}, ["global.default_effect: deny → allow"]),
        (
            {"blocked_tools": ["a", "b"]},
            {"blocked_tools": ["b", "c"]},
            ["global.blocked_tools: added c; removed a"],
        ),
        (
            {"admin_only_tools": ["a", "b"]},
            {"admin_only_tools": ["b", "a"]},
            ["global.admin_only_tools: in another order"],
        ),
        ({}, {"groups": {"g": ["x"]}}, ["tool_patterns.g: added ([x])"]),
        ({"groups": {"g": ["x"]}}, {"groups": {}}, ["tool_patterns.g: removed ([x])"]),
        (
            {"groups": {"g": ["x"]}},
            {"groups": {"g": ["x", "y"]}},
            ["tool_patterns.g: added y"],
        ),
        ({}, servers(confirm_destructive=True), ["confirm_destructive of db: added"]),
        (
            servers(tool_policy={"mode": "allow_all"}),
            servers(tool_policy={"mode": "allow_only", "allow": ["get_*"]}),
            ["tool_policy of db: {mode: allow_all} → {mode: allow_only, allow: [get_*]}"],
        ),
        (
            restricted(deny=["a"]),
            restricted(deny=["b"], allow_all=True),
            [
                "role_restrictions.dev on db: allow_all: added",
                "role_restrictions.dev on db: deny: added b; removed a",
            ],
        ),
        ({}, restricted(allow_only=[]), ["role_restrictions.dev on db: allow_only: added ([])"]),
        (
            {},
            {"roles": {"dev": {"denied_tools": ["x"], "can_access_all_databases": False}}},
            ["roles.dev: added ({denied_tools: [x]})"],
        ),
        (
            {"roles": {"dev": {"can_access_all_databases": False, "allowed_mcp_tools": {}}}},
            {
                "roles": {
                    "dev": {"can_access_all_databases": True, "allowed_mcp_tools": {"db": ["a"]}}
                }
            },
            [
                "roles.dev.allowed_mcp_tools.db: added ([a])",
                "roles.dev.can_access_all_databases: false → true",
            ],
        ),
        (
            {"teams": {"red": {"default_role": "a"}}},
            {"teams": {"red": {"default_role": "b"}}},
            ["teams.red.default_role: a → b"],
        ),
        (
            {"default_user": {"allowed_mcps": "*"}},
            {"default_user": {"allowed_mcps": ["db"], "role": "guest"}},
            ["default_user.allowed_mcps: * → [db]", "default_user.role: added (guest)"],
        ),
        (
            {"argument_rules": [{"name": "n", "tools": ["a"], "argument": "x", "max": 1}]},
            {"argument_rules": [{"name": "n", "tools": ["a"], "argument": "x", "max": 2}]},
            [
                "argument_rules (n): {name: n, tools: [a], argument: x, max: 1} → "
                "{name: n, tools: [a], argument: x, max: 2}"
            ],
        ),
        (
            {},
            {"argument_rules": [{"tools": ["a"], "argument": "x", "max": 1}]},
            ["argument_rules: added ({tools: [a], argument: x, max: 1})"],
        ),
        (
            {"argument_rules": [{"name": "m"}, {"name": "n"}]},
            {"argument_rules": [{"name": "n"}, {"name": "m"}]},
            ["argument_rules: in another order"],
        ),
        (
            {"require_confirmation": {"enabled": True, "actions": []}},
            {"require_confirmation": {"enabled": True, "actions": ["drop_*"]}},
            ["require_confirmation.actions: added drop_*"],
        ),
    ],
)
def test_each_rule_that_differs_has_its_line(before, after, lines):
    assert rules(before, after) == lines


def test_a_document_does_not_differ_from_itself_nor_from_one_that_says_nothing():
    whole = {"blocked_tools": ["a"], "argument_rules": [{"name": "n"}, {"name": "n"}]}
    assert (rules(whole, whole), rules({}, {"roles": {}, "teams": {}})) == ([], [])
