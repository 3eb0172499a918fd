"""What a decision rested on, written down and read again, decides the same."""

import json

import pytest

from accounts.policy import Grant, Inputs, Subject, Target, compile_policy
from tests.accounts.policies import NOW, Maker


def read_again(inputs):
    return Inputs.from_json(json.loads(json.dumps(inputs.as_json())))


def subject_of(who):
    grants = tuple(Grant(server, tools, until) for server, tools, until in who["grants"])
    return Subject("p@example.com", **(who | {"grants": grants}))


@pytest.mark.parametrize("seed", range(20))
def test_random_inputs_are_read_as_they_were_written(seed):
    maker = Maker(seed)
    policy = compile_policy(maker.document())
    for _ in range(20):
        inputs = Inputs(subject_of(maker.who()), Target(**maker.tool()), NOW)
        arguments = maker.arguments()
        again = read_again(inputs)
        assert again.as_json() == inputs.as_json()
        assert again.decide(policy, arguments) == inputs.decide(policy, arguments)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"allowed_mcps": "*"},
        {"allowed_mcps": []},
        {"allowed_mcps": {}},
        {"allowed_mcps": {"db": {"mode": "custom", "tools": ["a"], "deny": []}}},
        {"only_servers": frozenset()},
        {"only_servers": frozenset({"db"})},
        {"attributes": {"allowed_databases": ()}},
        {"attributes": {"allowed_databases": "*"}},
        {"super_admin": True},
        {"status": "suspended", "role": "dev", "teams": ("a", "b")},
        {"grants": (Grant("db", ("get_*",), NOW), Grant("crm", ()))},
    ],
    ids=str,
)
def test_nothing_and_everything_stay_apart(fields):
    inputs = Inputs(Subject("p@example.com", **fields), Target("db", "get_a"), NOW)
    assert read_again(inputs) == inputs


@pytest.mark.parametrize(
    "fields",
    [
        {"enabled": False},
        {"state": "quarantined"},
        {"tags": ("x",), "read_only": True, "destructive": False},
    ],
    ids=str,
)
def test_the_tool_is_read_as_it_was(fields):
    inputs = Inputs(Subject("p@example.com"), Target("db", "get_a", **fields), NOW)
    assert read_again(inputs) == inputs


def test_the_ordinary_is_not_written():
    inputs = Inputs(Subject("p@example.com", role="dev"), Target("db", "get_a"), NOW)
    assert inputs.as_json() == {
        "subject": {"person": "p@example.com", "role": "dev"},
        "target": {"server": "db", "tool": "get_a"},
        "at": "2026-05-01T12:00:00+00:00",
    }


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"altered": True},
        {"subject": {}, "target": {}, "at": "2026-05-01"},
        {"subject": {"grants": [1]}, "target": {"server": "a", "tool": "b"}, "at": "2026-05-01"},
        {"subject": {}, "target": {"server": "a", "tool": "b"}, "at": "yesterday"},
        {"subject": [], "target": {"server": "a", "tool": "b"}, "at": "2026-05-01"},
    ],
    ids=str,
)
def test_what_is_no_inputs_is_refused(kept):
    with pytest.raises(ValueError):
        Inputs.from_json(kept)
