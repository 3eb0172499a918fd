"""Layer 9: what the arguments must be, and what is refused because it could be read in two ways."""

import pytest

from tests.accounts.asking import OPEN, answer, ask, shown

NAN, INFINITY = float("nan"), float("inf")


def verdict(rule, arguments, who=None):
    document = {"argument_rules": [{"tools": ["*"], **rule}]}
    return str(ask(document, arguments=arguments, who=who).effect)


PATH = {"argument": "path", "allow": ["/exports/*"]}
LIMIT = {"argument": "limit", "min": 1, "max": 100}


@pytest.mark.parametrize(
    ("rule", "arguments", "expected"),
    [
        (PATH, {"path": "/exports/x"}, "allow"),
        (PATH, {"path": "/exports-evil/x"}, "deny"),
        (PATH, {"path": "/EXPORTS/x"}, "deny"),
        (PATH, {"path": "x/exports/x"}, "deny"),
        (PATH, {"path": "/exports/a..b"}, "allow"),
        (PATH, {"path": "/exports/../etc/passwd"}, "deny"),
        (PATH, {"path": "/exports/.."}, "deny"),
        (PATH, {"path": "/exports/..\\etc"}, "deny"),
        (PATH, {"path": "/exports/%2e%2e/etc"}, "deny"),
        (PATH, {"path": "/exports/%252e%252e%252fetc"}, "deny"),
        (PATH, {"path": "/exports/x\n/etc"}, "deny"),
        (PATH, {"path": "/exports/x\x00"}, "deny"),
        (PATH, {"path": 7}, "deny"),
        (PATH, {"path": True}, "deny"),
        (PATH, {"path": None}, "deny"),
        (PATH, {"path": {"x": 1}}, "deny"),
        (PATH, {"path": []}, "allow"),
        (PATH, {"path": ["/exports/a", "/exports/b"]}, "allow"),
        (PATH, {"path": ["/exports/a", "/etc/b"]}, "deny"),
        (PATH, {"path": [["/exports/a", ["/etc/b"]]]}, "deny"),
        (PATH, {}, "allow"),
        (PATH | {"required": True}, {}, "deny"),
        (PATH | {"required": True}, {"path": []}, "deny"),
        ({"argument": "path", "allow": []}, {"path": "x"}, "deny"),
        ({"argument": "path", "deny": ["/etc/*"]}, {"path": "/exports/x"}, "allow"),
        ({"argument": "path", "deny": ["/etc/*"]}, {"path": "/etc/x\ny"}, "deny"),
        ({"argument": "path", "deny": ["/etc/*"]}, {"path": "/exports/../etc/x"}, "deny"),
        ({"argument": "path", "deny": ["/etc/*"]}, {"path": 7}, "deny"),
        ({"argument": "path", "allow": ["*"], "deny": ["x"]}, {"path": "x"}, "deny"),
        ({"argument": "to", "allow": ["*@a.example"]}, {"to": "x@a.example"}, "allow"),
        ({"argument": "to", "allow": ["*@a.example"]}, {"to": "x@a.example.evil.example"}, "deny"),
        ({"argument": "to", "allow": ["*@a.example"]}, {"to": "x@evil\n@a.example"}, "deny"),
    ],
)
def test_texts_are_held_against_patterns_element_by_element(rule, arguments, expected):
    assert verdict(rule, arguments) == expected


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (LIMIT, 1, "allow"),
        (LIMIT, 100.0, "allow"),
        (LIMIT, 0, "deny"),
        (LIMIT, 101, "deny"),
        (LIMIT, 10**400, "deny"),
        (LIMIT, NAN, "deny"),
        (LIMIT, True, "deny"),
        (LIMIT, "50", "deny"),
        (LIMIT, None, "deny"),
        (LIMIT, [5, 6], "allow"),
        (LIMIT, [5, 600], "deny"),
        ({"argument": "limit", "min": 1}, INFINITY, "deny"),
        ({"argument": "limit", "min": 1}, 10**400, "allow"),
        ({"argument": "limit", "max": 1}, -INFINITY, "deny"),
    ],
)
def test_numbers_are_finite_numbers_and_nothing_that_resembles_one(rule, value, expected):
    assert verdict(rule, {"limit": value}) == expected


NESTED = {"argument": "options.db.name", "allow": ["sales"]}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"options": {"db": {"name": "sales"}}}, "allow"),
        ({"options": {"db": {"name": "hr"}}}, "deny"),
        ({"options": {"db": {}}}, "allow"),
        ({"options": None}, "allow"),
        ({"options": [{"db": {"name": "sales"}}, {"db": [{"name": "hr"}]}]}, "deny"),
        ({"options": [{"db": {"name": "sales"}}, {"db": [{"name": "sales"}]}]}, "allow"),
        ({"options": '{"db": {"name": "hr"}}'}, "deny"),
        ({"options": {"db": "hr"}}, "deny"),
        ({"options": {"db.name": "hr"}}, "deny"),
        ({"options.db.name": "hr"}, "deny"),
        ({"options.db.name": "sales"}, "allow"),
        ({"options": {"db": {"name": "sales", "Name": "hr"}}}, "deny"),
        ({"Options": {"db": {"name": "sales"}}}, "deny"),
        ({"options": {"db ": {"name": "sales"}}}, "deny"),
        ({"options": {"\uff44\uff42": {"name": "sales"}}}, "deny"),
        ({"options": {"db": {"name": "sales"}}, "other": {"Name": "x"}}, "allow"),
    ],
)
def test_a_path_leads_through_objects_and_lists_and_no_second_spelling(arguments, expected):
    assert verdict(NESTED, arguments) == expected


def deep(levels, value):
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (deep(60, "/exports/x"), "allow"),
        (deep(65, "/exports/x"), "deny"),
        (deep(5_000, "/exports/x"), "deny"),
        (["/exports/x"] * 9_999, "allow"),
        (["/exports/x"] * 10_002, "deny"),
        ([["/exports/x"] * 200] * 200, "deny"),
    ],
)
def test_what_is_too_deep_or_too_large_to_judge_is_refused(value, expected):
    assert verdict(PATH, {"path": value}) == expected


@pytest.mark.parametrize("arguments", [[], "database=sales", 7, [("database", "sales")]])
def test_arguments_that_are_no_object_are_refused(arguments):
    assert answer(ask(arguments=arguments)) == ("deny", "arguments", "arguments")


ALL_DATABASES = {"roles": {"dev": {"can_access_all_databases": True}}}
CATALOG = {
    "argument_rules": [{"tools": ["get_*"], "argument": "catalog", "from": "allowed_databases"}]
}


@pytest.mark.parametrize(
    ("document", "who", "arguments", "expected"),
    [
        ({}, {}, {"database": "sales"}, "allow"),
        ({}, {}, {"database": "prod"}, "deny"),
        ({}, {}, {"database": "Sales"}, "deny"),
        ({}, {}, {"database": "*"}, "deny"),
        ({}, {}, {"database": ["sales", "prod"]}, "deny"),
        ({}, {}, {"database": 7}, "deny"),
        ({}, {}, {"database_name": "prod"}, "deny"),
        ({}, {}, {"db": "prod"}, "deny"),
        ({}, {}, {"db_name": "prod"}, "deny"),
        ({}, {}, {"schema": "prod"}, "deny"),
        ({}, {}, {"preset": "prod"}, "deny"),
        ({}, {}, {"Database": "sales"}, "deny"),
        ({}, {}, {"catalog": "prod"}, "allow"),
        ({}, {}, {}, "allow"),
        ({}, {"attributes": {"allowed_databases": ("prod",)}}, {"database": "prod"}, "allow"),
        ({}, {"attributes": {"allowed_databases": ("prod",)}}, {"database": "sales"}, "deny"),
        ({}, {"attributes": {"allowed_databases": ()}}, {"database": "sales"}, "deny"),
        ({}, {"attributes": {"allowed_databases": "*"}}, {"database": "prod"}, "allow"),
        ({}, {"attributes": {"allowed_databases": "sales"}}, {"database": "sale"}, "deny"),
        ({}, {"super_admin": True}, {"database": "prod"}, "allow"),
        (ALL_DATABASES, {}, {"database": "prod"}, "allow"),
        (ALL_DATABASES, {"role": "guest"}, {"database": "prod"}, "deny"),
        (CATALOG, {}, {"database": "prod"}, "allow"),
        (CATALOG, {}, {"catalog": "prod"}, "deny"),
        (CATALOG, {}, {"catalog": "hr"}, "allow"),
        ({"default_user": {"allowed_mcps": "*"}}, {}, {"database": "sales"}, "deny"),
    ],
)
def test_a_database_is_one_of_the_persons_own(document, who, arguments, expected):
    document = document | {"default_effect": "allow"}
    assert str(ask(document, who=who, arguments=arguments).effect) == expected


def test_the_six_names_hold_for_tools_that_no_rule_of_the_file_covers():
    decision = ask(CATALOG, tool="run", arguments={"database": "prod", "catalog": "prod"})
    assert answer(decision) == ("deny", "arguments", "allowed_databases (database)")


def test_other_conditions_of_a_database_rule_hold_for_those_who_may_see_every_database():
    rule = {"argument": "db", "from": "allowed_databases", "deny": ["secret"], "required": True}
    asked = [{"db": "prod"}, {"db": "secret"}, {}]
    given = [verdict(rule, arguments, who={"super_admin": True}) for arguments in asked]
    assert given == ["allow", "deny", "deny"]


def test_any_attribute_can_bind_an_argument():
    rule = {"argument": "host", "from": "allowed_domains"}
    who = {"attributes": {"allowed_domains": ("a.example",)}, "super_admin": True}
    assert verdict(rule, {"host": "a.example"}, who) == "allow"
    assert verdict(rule, {"host": "b.example"}, who) == "deny"
    assert verdict(rule, {"host": "a.example"}) == "deny"


def test_a_rule_that_asks_parks_the_call_instead_of_refusing_it():
    rule = {"name": "big", "tools": ["*"], "argument": "amount", "max": 100, "effect": "ask"}
    document = {"argument_rules": [rule]}
    assert answer(ask(document, arguments={"amount": 100}))[:2] == ("allow", "role")
    assert answer(ask(document, arguments={"amount": 101})) == (
        "ask",
        "confirmation",
        "argument_rules.1 (big): effect ask",
    )


def test_a_refusal_names_the_argument_and_what_would_pass_but_never_what_was_sent():
    rule = {"tools": ["*"], "argument": "limit", "min": 1, "max": 100}
    decision = ask({"argument_rules": [rule]}, arguments={"limit": 4711})
    assert (decision.rule, decision.reason, decision.fix) == (
        "argument_rules.1",
        "The argument limit breaks a rule: it is too large.",
        "give limit: at least 1, and at most 100",
    )


def test_the_fix_lists_the_databases_the_person_has():
    assert ask(arguments={"db": "x"}).fix == "give db: one of sales, hr (allowed_databases)"


def rules(*all_of):
    return {"argument_rules": [{"tools": ["*"], **rule} for rule in all_of]}


NEEDED = {"argument": "database", "from": "allowed_databases", "required": True}


@pytest.mark.parametrize(
    ("document", "who", "expected"),
    [
        ({}, {}, "allow"),
        (rules({"argument": "x", "required": True}), {}, "allow"),
        (rules({"argument": "x", "allow": ["a*"], "required": True}), {}, "allow"),
        (rules({"argument": "x", "allow": []}), {}, "allow"),
        (rules({"argument": "x", "allow": [], "required": True}), {}, "deny"),
        (rules({"argument": "x", "deny": ["*"], "required": True}), {}, "deny"),
        (rules({"argument": "x", "deny": ["x", "0"], "required": True}), {}, "allow"),
        (rules({"argument": "x", "min": 2, "required": True}), {}, "allow"),
        (rules({"argument": "x", "min": 2, "allow": ["*"], "required": True}), {}, "deny"),
        (
            rules({"argument": "x", "min": 2, "required": True}, {"argument": "x", "max": 1}),
            {},
            "deny",
        ),
        (
            rules(
                {"argument": "x", "allow": ["a"], "required": True},
                {"argument": "x", "deny": ["a"]},
            ),
            {},
            "deny",
        ),
        (rules(NEEDED), {}, "allow"),
        (rules(NEEDED), {"attributes": {"allowed_databases": ()}}, "deny"),
        (rules(NEEDED, {"argument": "database", "deny": ["sales"]}), {}, "allow"),
        (rules(NEEDED, {"argument": "database", "deny": ["*"]}), {}, "deny"),
        (rules(NEEDED), {"super_admin": True, "attributes": {"allowed_databases": ()}}, "allow"),
        (
            rules({"argument": "a", "required": True}, {"argument": "a.b", "required": True}),
            {},
            "allow",
        ),
        (
            rules(
                {"argument": "a", "allow": ["*"], "required": True},
                {"argument": "a.b", "required": True},
            ),
            {},
            "deny",
        ),
        (rules({"argument": "x", "allow": [], "required": True, "effect": "ask"}), {}, "allow"),
    ],
)
def test_a_tool_is_not_shown_when_no_arguments_whatever_would_pass(document, who, expected):
    assert str(shown(document, who=who).effect) == expected


def test_the_open_house_itself_allows():
    assert (str(ask().effect), "argument_rules" in OPEN) == ("allow", False)
