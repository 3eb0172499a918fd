"""What a change gives and takes, compared with asking for every person and tool."""

import random

import pytest

from accounts import effects
from accounts.effects import Change, Snapshot
from accounts.policy import Grant, Subject, Target, compile_policy, decide
from accounts.touching import Touched
from tests.accounts.policies import NOW, SERVERS, Maker
from tests.accounts.policies import TOOLS as TOOL_NAMES

TOOLS = ("get_a", "get_b", "set_a")


def snapshot(document, people=None, *, tools=TOOLS, **target):
    targets = {("db", tool): Target("db", tool, **target) for tool in tools}
    return Snapshot(document, compile_policy(document), people or {}, targets)


def house(patterns, **more):
    """A house in which the role dev may call these tools."""
    restrictions = {"role_restrictions": {"dev": {"allow_only": list(patterns)}}}
    said = {"roles": {"dev": {}}, "servers": {"db": restrictions}}
    return said | {"default_user": {"allowed_mcps": "*"}} | more


def said(before, after):
    return [str(change) for change in effects.between(before, after, NOW)]


def test_a_role_gains_and_loses_by_name_and_rule():
    assert said(snapshot(house(["get_a"])), snapshot(house(["get_b", "set_*"]))) == [
        "role dev loses on db: get_a (role_restrictions.dev on db: allow_only get_b, set_*)",
        "role dev gains on db: get_b (role_restrictions.dev on db: allow_only get_b)",
        "role dev gains on db: set_a (role_restrictions.dev on db: allow_only set_*)",
    ]


def test_what_must_be_confirmed_from_now_on_is_said_and_so_is_the_way_back():
    calm = snapshot(house(["*"]))
    careful = snapshot(house(["*"], require_confirmation={"actions": ["set_*"]}))
    rule = "require_confirmation.actions: set_*"
    assert said(calm, careful) == [
        "every super admin must from now on have confirmed on db: set_a (" + rule + ")",
        "role dev must from now on have confirmed on db: set_a (" + rule + ")",
    ]
    assert said(careful, calm) == [
        "every super admin need no longer have confirmed on db: set_a (super admin)",
        "role dev need no longer have confirmed on db: set_a "
        "(role_restrictions.dev on db: allow_only *)",
    ]


def test_people_with_rules_of_their_own_have_their_own_lines():
    people = {
        "own@x": Subject("own@x", role="dev", allowed_mcps={"db": {"mode": "inherit"}}),
        "granted@x": Subject("granted@x", role="dev", grants=(Grant("db", ("set_a",)),)),
        "plain@x": Subject("plain@x", role="dev", allowed_mcps=["db"]),
    }
    before, after = snapshot(house(["get_*"]), people), snapshot(house(["get_a"]), people)
    lost = "loses on db: get_b (role_restrictions.dev on db: allow_only get_a)"
    assert said(before, after) == [f"{who} {lost}" for who in (
        "role dev", "person granted@x", "person own@x",
    )]  # fmt: skip


def test_people_who_change_are_compared_as_they_were_and_are():
    people = {
        "a@x": Subject("a@x", role="dev", allowed_mcps=[]),
        "gone@x": Subject("gone@x", role="dev", allowed_mcps="*"),
    }
    later = {
        "a@x": Subject("a@x", role="dev", allowed_mcps=["db"]),
        "new@x": Subject("new@x", role="dev", allowed_mcps="*"),
    }
    document = house(["get_a"])
    assert said(snapshot(document, people), snapshot(document, later)) == [
        "person a@x gains on db: get_a (role_restrictions.dev on db: allow_only get_a)",
        "person gone@x loses on db: get_a (role_restrictions.dev on db: allow_only get_a)",
        "person new@x gains on db: get_a (role_restrictions.dev on db: allow_only get_a)",
    ]


def test_a_server_that_is_switched_off_takes_its_tools_from_everybody():
    before, after = snapshot(house(["get_a"])), snapshot(house(["get_a"]), enabled=False)
    assert said(before, after) == [
        "every super admin loses on db: get_a, get_b, set_a (db: enabled is false)",
        "role dev loses on db: get_a (db: enabled is false)",
    ]


def test_a_role_that_was_not_there_has_gained_all_it_may():
    before = snapshot({"default_user": {"allowed_mcps": "*"}})
    assert said(before, snapshot(house(["get_a"]))) == [
        "role dev gains on db: get_a (role_restrictions.dev on db: allow_only get_a)"
    ]


def test_many_tools_are_counted_and_kept():
    tools = [f"get_{number:02}" for number in range(30)]
    before, after = snapshot(house([]), tools=tools), snapshot(house(["*"]), tools=tools)
    [change] = effects.between(before, after, NOW)
    assert str(change).endswith("get_10, get_11 and 18 more (role_restrictions.dev on db: "
                                "allow_only *)")  # fmt: skip
    assert Change.from_json(change.as_json()) == change
    assert change.tools == tuple(tools)


def test_nothing_changes_when_nothing_differs():
    people = {"own@x": Subject("own@x", role="dev", allowed_mcps={"db": "*"})}
    assert said(snapshot(house(["*"]), people), snapshot(house(["*"]), people)) == []


# --- What is not looked at does not differ --------------------------------------------------------
def mixed(seed):
    """Two documents that differ in some of their parts."""
    one, other = Maker(seed).document(), Maker(seed + 10_000).document()
    rng = random.Random(seed)
    parts = rng.sample(sorted(one), rng.randint(1, 3))
    return one, one | {part: other[part] for part in parts}


def asked_one_by_one(before, after):
    """Every change for the people, by asking both policies for everybody and everything."""
    found = set()
    for person, subject in before.people.items():
        for (server, tool), target in before.targets.items():
            was, now = (
                str(decide(one.policy, subject, target, None, NOW).effect)
                for one in (before, after)
            )
            if was != now:
                found.add((f"person {person}", server, tool, was, now))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_random_changes_are_those_that_asking_for_everything_finds(seed):
    maker = Maker(seed)
    grants = (Grant("db", ("nothing",), NOW),)
    people = {
        f"{n}@x": Subject(f"{n}@x", **(maker.who() | {"grants": grants, "status": "active"}))
        for n in range(8)
    }
    targets = {(server, tool): Target(server, tool) for server in SERVERS for tool in TOOL_NAMES}
    before, after = (
        Snapshot(document, compile_policy(document), people, targets) for document in mixed(seed)
    )
    found = {
        (change.who, change.server, tool, change.before, change.after)
        for change in effects.between(before, after, NOW)
        if change.who.startswith("person")
        for tool in change.tools
    }
    assert found == asked_one_by_one(before, after)


def test_a_difference_reaches_no_further_than_it_must():
    before, after = house(["get_*"]), house(["get_*"], blocked_tools=["set_*"])
    touched = Touched(before, after)
    reached = [tool for tool in TOOLS if touched(["dev"], Target("db", tool))]
    assert reached == ["set_a"]
    roles = Touched(before, before | {"roles": {"dev": {"denied_tools": ["x"]}}})
    assert [roles([name], Target("db", "a")) for name in ("dev", "other")] == [True, False]
    servers = Touched(before, before | {"servers": {}})
    assert [servers(["dev"], Target(name, "a")) for name in ("db", "other")] == [True, False]
