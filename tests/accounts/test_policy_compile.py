"""What a policy may not say: each mistake is refused, with the place it was found at."""

import pytest

from accounts.policy import PolicyError, Target, check_allowed_mcps, compile_policy, in_group


def role(**said):
    return {"servers": {"db": {"role_restrictions": {"dev": said}}}}


def tool_policy(**said):
    return {"servers": {"db": {"tool_policy": said}}}


def argument(**said):
    return {"argument_rules": [{"tools": ["*"], "argument": "x", "required": True} | said]}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"blocked": []}, "policy.blocked"),
        ({"default_effect": "ask"}, "global.default_effect"),
        ({"default_effect": ["allow"]}, "global.default_effect"),
        ({"blocked_tools": "drop_*"}, "global.blocked_tools"),
        ({"blocked_tools": ["drop_[a]"]}, "global.blocked_tools"),
        ({"blocked_tools": ["drop a"]}, "global.blocked_tools"),
        ({"blocked_tools": ["@nobody"]}, "global.blocked_tools"),
        ({"admin_only_tools": [7]}, "global.admin_only_tools"),
        ({"groups": {"a": ["x|y"]}}, "tool_patterns.a"),
        ({"groups": {"a": ["@b"], "b": []}}, "tool_patterns.a"),
        ({"groups": ["a"]}, "tool_patterns"),
        ({"servers": {"db/x": {}}}, "servers.db/x"),
        ({"servers": {"d*": {}}}, "servers.d*"),
        ({"servers": {"db": {}, "DB": {}}}, "servers"),
        ({"servers": {"db": {"policy": 1}}}, "servers.db.policy"),
        ({"servers": {"db": {"confirm_destructive": "yes"}}}, "servers.db.confirm_destructive"),
        (tool_policy(mode="allow_some"), "servers.db.tool_policy.mode"),
        (tool_policy(), "servers.db.tool_policy.mode"),
        (tool_policy(mode="allow_only"), "servers.db.tool_policy.allow"),
        (tool_policy(mode="allow_all_except"), "servers.db.tool_policy.exclude"),
        (tool_policy(mode="allow_all", exclude=["a"]), "servers.db.tool_policy.exclude"),
        (tool_policy(mode="allow_only", allow=["{a}"]), "servers.db.tool_policy.allow"),
        (role(allow=["a"]), "servers.db.role_restrictions.dev.allow"),
        (role(deny_all="no"), "servers.db.role_restrictions.dev.deny_all"),
        (role(deny=None), "servers.db.role_restrictions.dev.deny"),
        (role(allow_only="a"), "servers.db.role_restrictions.dev.allow_only"),
        ({"roles": {"dev": {"can_fly": True}}}, "roles.dev.can_fly"),
        (
            {"roles": {"dev": {"can_bypass_tool_restrictions": 1}}},
            "roles.dev.can_bypass_tool_restrictions",
        ),
        ({"roles": {"dev": {"denied_tools": ["a b"]}}}, "roles.dev.denied_tools"),
        (
            {"roles": {"dev": {"allowed_mcp_tools": {"*": ["a"]}}}},
            "roles.dev.allowed_mcp_tools.*",
        ),
        ({"teams": {"a": {"default_role": 7}}}, "teams.a.default_role"),
        ({"default_user": {"may_fly": True}}, "default_user.may_fly"),
        ({"default_user": {"allowed_databases": "sales"}}, "default_user.allowed_databases"),
        ({"default_user": {"allowed_mcps": ["*"]}}, "default_user.allowed_mcps.*"),
        ({"require_confirmation": {"enabled": 1}}, "require_confirmation.enabled"),
        ({"require_confirmation": {"actions": ["[a]"]}}, "require_confirmation.actions"),
        ({"argument_rules": {}}, "argument_rules"),
        (argument(argument="a..b"), "argument_rules.1.argument"),
        (argument(argument=None), "argument_rules.1.argument"),
        (argument(tools=[]), "argument_rules.1.tools"),
        (argument(required=None), "argument_rules.1"),
        (argument(allow="a"), "argument_rules.1.allow"),
        (argument(allow=None), "argument_rules.1.allow"),
        (argument(allow=["SELECT *"]), "argument_rules.1.allow"),
        (argument(min="1"), "argument_rules.1.min"),
        (argument(min=True), "argument_rules.1.min"),
        (argument(min=2, max=1), "argument_rules.1.min"),
        (argument(effect="warn"), "argument_rules.1.effect"),
        (argument(regex="a"), "argument_rules.1.regex"),
        ({"roles": {"dev": {}, 7: {}}}, "roles"),
        ([], "policy"),
    ],
)
def test_a_mistake_is_refused_at_its_place(document, place):
    with pytest.raises(PolicyError) as caught:
        compile_policy(document)
    assert caught.value.place == place


def test_nan_has_no_place_in_a_document():
    with pytest.raises(PolicyError):
        compile_policy(argument(max=float("nan")))


def test_an_empty_document_is_the_policy_that_denies():
    policy = compile_policy({})
    assert (policy.default_allows, policy.argument_rules, policy.roles) == (False, (), {})


def test_the_digest_depends_on_what_is_said_and_not_on_the_order():
    one = {"default_effect": "deny", "groups": {"a": ["x"], "b": ["y"]}}
    other = {"groups": {"b": ["y"], "a": ["x"]}, "default_effect": "deny"}
    changed = {"groups": {"b": ["y"], "a": ["x"]}, "default_effect": "allow"}
    digests = [compile_policy(document).digest for document in (one, other, changed)]
    assert (digests[0] == digests[1], digests[0] == digests[2], len(digests[0])) == (
        True,
        False,
        64,
    )


@pytest.mark.parametrize(
    "value",
    [
        None,
        "*",
        [],
        ["db"],
        {"db": "*"},
        {"db": {"mode": "custom", "tools": ["@a"], "deny": ["x_*"]}},
    ],
)
def test_a_persons_reach_that_can_be_read_passes(value):
    assert check_allowed_mcps(value, {"a": ("x",)}) is None


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("db", "allowed_mcps"),
        (7, "allowed_mcps"),
        (["*"], "allowed_mcps.*"),
        (["db", "DB"], "allowed_mcps"),
        ({"db": "all"}, "allowed_mcps.db"),
        ({"db": {"tools": ["a"]}}, "allowed_mcps.db.mode"),
        ({"db": {"mode": "some"}}, "allowed_mcps.db.mode"),
        ({"db": {"mode": "all", "allow": []}}, "allowed_mcps.db.allow"),
        ({"db": {"mode": "custom", "tools": ["@b"]}}, "allowed_mcps.db.tools"),
    ],
)
def test_a_persons_reach_that_cannot_be_read_is_refused_at_its_place(value, place):
    with pytest.raises(PolicyError) as caught:
        check_allowed_mcps(value, {"a": ("x",)})
    assert caught.value.place == place


def test_a_group_covers_its_tools_and_one_that_does_not_exist_covers_none():
    policy = compile_policy({"groups": {"reads": ["get_*"]}})
    get, run = Target("db", "get_a"), Target("db", "run")
    asked = [("reads", get), ("reads", run), ("writes", get)]
    assert [in_group(policy, group, target) for group, target in asked] == [True, False, False]
