"""mcps.yaml: what a rule and a role must be, each error with its line; the file's own tests."""

import json
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Role, Rule, User
from registry.models import Server, Tool
from tests.omni2.importing import URL, problems, run, server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def deployment(settings: Any) -> None:
    settings.INTERNAL_ADDRESSES = ["127.0.0.1:1"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "tool_policy",
            {"mode": "allow_all", "exclude": ["a"]},
            ".tool_policy.exclude: has no effect with mode allow_all",
        ),
        ("tool_policy", {"mode": "allow_only"}, ".tool_policy.allow: missing with mode allow_only"),
        ("tool_policy", {"exclude": ["a"]}, ".tool_policy: mode is missing"),
        (
            "tool_policy",
            {"mode": "allow_only", "allow": ["a[b]"]},
            ".tool_policy.allow[0]: 'a[b]': '[' has no meaning here, only * and ? do",
        ),
        (
            "role_restrictions",
            {"r": {"deny": ["ok", "a b"]}},
            ".role_restrictions.r.deny[1]: 'a b': spaces and invisible characters are not allowed",
        ),
        (
            "role_restrictions",
            {"r": {"allow_only": ["@saef"]}},
            ".role_restrictions.r.allow_only[0]: there is no group @saef; did you mean @safe?",
        ),
        (
            "role_restrictions",
            {"r": {"alow_all": True}},
            ".role_restrictions.r.alow_all: unknown key 'alow_all'; did you mean allow_all?",
        ),
    ],
)
def test_rule_that_the_policy_does_not_take_is_refused(
    key: str, value: Any, said: str, tmp_path: Path
) -> None:
    text = server(**{key: value}) + "tool_patterns: {safe: [get_*]}\n"
    assert problems(tmp_path, mcps=text) == [f"mcps.yaml:5: mcps[0]{said}"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            {"tools": ["a"], "argument": "x"},
            ": it demands nothing: say allow, deny, from, min, max or required",
        ),
        (
            {"tools": ["a"], "argument": "x", "min": 3, "max": 2},
            ".min: greater than max: no value would pass",
        ),
        (
            {"tools": [], "argument": "x", "min": 3},
            ".tools: missing: which tools does the rule hold for?",
        ),
        ({"argument": "x", "min": 3}, ": tools is missing"),
        (
            {"tools": ["a"], "argument": "x", "allow": ["[a]"]},
            ".allow: '[a]': '[' has no meaning here, only * and ? do",
        ),
    ],
)
def test_argument_rule_that_means_nothing_is_refused(
    rule: dict[str, Any], said: str, tmp_path: Path
) -> None:
    text = f"argument_rules:\n- {json.dumps(rule)}\n"
    assert problems(tmp_path, mcps=text) == [f"mcps.yaml:2: argument_rules[0]{said}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "global:\n  blocked_tools: [a, 'b|c']\n",
            "mcps.yaml:2: global.blocked_tools[1]: 'b|c': '|' has no meaning here, only * and ? do",
        ),
        (
            "tool_patterns:\n  a: ['@b']\n  b: [x]\n",
            "mcps.yaml:2: tool_patterns.a: '@b': a group cannot hold a group",
        ),
        (
            "require_confirmation:\n  actions: ['@none']\n",
            "mcps.yaml:2: require_confirmation.actions[0]: there is no group @none; "
            "nothing is known here",
        ),
        (
            "roles:\n  a b: {}\n",
            "mcps.yaml:2: roles['a b']: a role's name is 1 to 64 letters, digits, _ and -",
        ),
    ],
)
def test_errors_outside_servers_have_their_line_too(text: str, said: str, tmp_path: Path) -> None:
    assert problems(tmp_path, mcps=text) == [said]


def test_every_kind_of_rule_becomes_a_row(tmp_path: Path) -> None:
    text = f"""
        global: {{default_effect: deny, blocked_tools: [b], admin_only_tools: [a]}}
        tool_patterns: {{dangerous: [d]}}
        mcps:
        - name: one
          url: "{URL}"
          tool_policy: {{mode: allow_all_except, exclude: [e]}}
          confirm_destructive: true
          role_restrictions:
            r: {{allow_all: true, deny: [x], allow_all_except: [y], deny_all: false}}
        argument_rules: [{{name: n, tools: [t], argument: a, max: 1, effect: ask}}]
        require_confirmation: {{actions: [c]}}
        """
    run(tmp_path, mcps=text)
    columns = ("kind", "server", "role", "name", "mode", "patterns", "condition")
    assert list(Rule.objects.values_list(*columns)) == [
        ("admin_only", "", "", "", "", ["a"], {}),
        ("argument", "", "", "n", "", ["t"], {"argument": "a", "max": 1, "effect": "ask"}),
        ("blocked", "", "", "", "", ["b"], {}),
        ("confirm", "", "", "", "", ["c"], {}),
        ("confirm", "one", "", "", "destructive", [], {}),
        ("default_effect", "", "", "", "deny", [], {}),
        ("exposure", "one", "", "", "allow_all_except", ["e"], {}),
        ("group", "", "", "dangerous", "", ["d"], {}),
        ("role", "one", "r", "", "allow_all", [], {}),
        ("role", "one", "r", "", "deny", ["x", "y"], {}),
    ]


def test_confirmation_that_is_not_enabled_is_noted_and_not_stored(tmp_path: Path) -> None:
    report = run(tmp_path, mcps="require_confirmation: {enabled: false, actions: [c]}\n")
    assert (Rule.objects.count(), list(map(str, report.notes))) == (
        0,
        [
            "mcps.yaml: no effect here: require_confirmation.actions (line 1), "
            "because require_confirmation.enabled is false"
        ],
    )


# --- Roles ---
def test_role_gets_what_the_file_writes_and_the_report_says_what_stays(tmp_path: Path) -> None:
    Role.objects.create(name="r", can_bypass_tool_restrictions=True, can_manage_users=True)
    report = run(tmp_path, mcps="roles:\n  r: {can_manage_users: false}\n")
    role = Role.objects.get()
    assert (role.can_bypass_tool_restrictions, role.can_manage_users) == (True, False)
    assert list(map(str, report.warnings)) == [
        "mcps.yaml: roles.r (line 2): can_bypass_tool_restrictions is true in the database and "
        "not written here: it stays true"
    ]


def test_role_that_nothing_defines_is_warned_of(tmp_path: Path) -> None:
    Role.objects.create(name="viewer")
    report = run(tmp_path, mcps=server(role_restrictions={"viewr": {"deny_all": True}}))
    assert list(map(str, report.warnings)) == [
        "mcps.yaml: mcps[0].role_restrictions.viewr (line 5): no file defines the role 'viewr'; "
        "did you mean viewer? (the rule waits for it)"
    ]


def test_pairs_of_role_and_server_that_only_the_default_decides_are_named(tmp_path: Path) -> None:
    Role.objects.create(name="anywhere", allowed_tool_patterns=["get_*"])
    Role.objects.create(name="boss", can_bypass_tool_restrictions=True)
    Role.objects.create(name="denied", denied_tools=["x"])
    Role.objects.create(name="elsewhere", allowed_tool_patterns=["other/*"])
    Role.objects.create(name="here", allowed_mcp_tools={"one": ["x"]})
    Role.objects.create(name="ruled")
    text = f"""
        global: {{default_effect: allow}}
        mcps:
        - {{name: one, url: "{URL}", role_restrictions: {{ruled: {{deny: [x]}}}}}}
        - {{name: two, url: "{URL}"}}
        - {{name: off, url: "{URL}", enabled: false}}
        """
    decides = "layer 8, default, decides (allow)"
    assert run(tmp_path, mcps=text).remarks == [
        f"role denied has no rule on one, two: {decides}",
        f"role elsewhere has no rule on one, two: {decides}",
        f"role here has no rule on two: {decides}",
        f"role ruled has no rule on two: {decides}",
    ]


# --- The file's own tests ---
TESTED = f"""
global: {{blocked_tools: [drop_*]}}
mcps:
- name: one
  url: "{URL}"
  role_restrictions: {{r: {{allow_only: [get_*, set_*]}}}}
roles: {{r: {{}}}}
argument_rules: [{{tools: [set_*], argument: n, max: 9}}]
require_confirmation: {{actions: [set_all]}}
tests:
"""


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("{role: r, server: one, tool: get_a, expect: allow}", None),
        ("{role: r, server: one, tool: drop_a, expect: deny}", None),
        ("{role: r, server: one, tool: set_a, arguments: {n: 9}, expect: allow}", None),
        ("{role: r, server: one, tool: set_a, arguments: {n: 10}, expect: deny}", None),
        ("{role: r, server: one, tool: set_all, arguments: {n: 1}, expect: ask}", None),
        ("{person: P@example.com, server: one, tool: get_a, expect: allow}", None),
        ("{person: p@example.com, server: one, tool: other, expect: deny}", None),
        (
            "{role: r, server: one, tool: drop_a, expect: allow}",
            "the test fails: expected allow, got deny (layer global blocks, ",
        ),
        ("{role: r, server: two, tool: a, expect: deny}", "there is no server 'two'"),
        ("{role: q, server: one, tool: a, expect: deny}", "there is no role 'q'"),
        ("{person: q@example.com, server: one, tool: a, expect: deny}", "there is no person"),
        ("{server: one, tool: a, expect: deny}", "a test names either a person or a role"),
        (
            "{role: r, person: p@example.com, server: one, tool: a, expect: deny}",
            "a test names either a person or a role",
        ),
    ],
)
def test_test_of_the_file_decides_whether_it_is_imported(
    test: str, said: str | None, tmp_path: Path
) -> None:
    role = Role.objects.create(name="r")
    User.objects.create_user("p@example.com", role=role, allowed_mcps=["one"])
    found = problems(tmp_path, mcps=f"{TESTED}- {test}\n")
    assert [problem.startswith(f"mcps.yaml:11: tests[0]: {said}") for problem in found] == (
        [True] if said else []
    )
    assert Server.objects.exists() is (said is None)


def test_the_files_tests_hold_while_a_server_it_moves_has_not_been_read(tmp_path: Path) -> None:
    Role.objects.create(name="r")
    allowed = "- {role: r, server: one, tool: get_a, expect: allow}\n"
    run(tmp_path, mcps=TESTED + allowed)
    one = Server.objects.get()
    for name in ("get_a", "get_b"):
        qualified = f"one__{name}"
        Tool.objects.create(server=one, name=name, qualified_name=qualified, fingerprint="0")
    Tool.objects.filter(name="get_b").update(state="quarantined", state_reason="it is new")

    moved = TESTED.replace(URL, f"{URL}/elsewhere")
    run(tmp_path, mcps=moved + allowed)
    assert set(Tool.objects.values_list("state", flat=True)) == {"quarantined"}
    [found] = problems(tmp_path, mcps=f"{moved}{allowed.replace('get_a', 'get_b')}")
    assert "is set aside until an administrator has looked at it" in found
