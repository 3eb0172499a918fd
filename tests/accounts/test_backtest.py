"""The back-test names exactly the calls that a draft changes: compared with one by one."""

import json
from datetime import timedelta

import pytest

from accounts.backtest import Recorded, rehearse
from accounts.effects import Snapshot
from accounts.policy import Grant, Inputs, Subject, Target, compile_policy
from audit.inputs import kept
from audit.redact import redact
from tests.accounts.policies import NOW, Maker

PEOPLE = 6
CALLS = 150


def snapshot(document, people=None):
    return Snapshot(document, compile_policy(document), people or {}, {})


def house(*, people=None, **more):
    """A house in which the role dev may call get_* on db."""
    restrictions = {"role_restrictions": {"dev": {"allow_only": ["get_*"]}}}
    said = {"roles": {"dev": {}}, "servers": {"db": restrictions}}
    return snapshot(said | {"default_user": {"allowed_mcps": "*"}} | more, people)


def call(entry, arguments=None, *, effect="allow", tool="get_a", at=NOW, who=None, **fields):
    """A call as the record has it."""
    subject = Subject("dev@x", **({"role": "dev"} | (who or {})))
    inputs = Inputs(subject, Target("db", tool), at).as_json()
    given = {} if arguments is None else arguments
    safe = redact(given)
    inputs = kept(inputs, given, safe=safe, cut=False) | fields
    return Recorded(entry, at, effect, inputs, safe)


def said(rehearsal):
    return [str(one) for one in rehearsal.changes]


# --- What it says ---------------------------------------------------------------------------------
def test_calls_that_would_be_refused_are_named_with_person_tool_and_rule():
    calls = [call(1), call(2, at=NOW + timedelta(days=2)), call(3, tool="get_b")]
    found = rehearse(calls, house(), house(blocked_tools=["*_a"]))

    assert said(found) == [
        "refused: dev@x → db/get_a, 2 calls, 2026-05-01 to 2026-05-03 "
        "(global blocks: global.blocked_tools: *_a)"
    ]
    assert found.changes[0].calls == (1, 2)
    assert found.summary() == (
        "of 3 recorded calls: 2 refused, 0 newly allowed, 0 newly asked"
    )  # fmt: skip


def test_calls_that_would_be_allowed_or_asked_are_told_apart():
    calls = [call(1, tool="set_a", effect="deny"), call(2)]
    draft = house(
        roles={"dev": {}},
        servers={"db": {"role_restrictions": {"dev": {"allow_all": True}}}},
        require_confirmation={"actions": ["get_*"]},
    )
    found = rehearse(calls, house(), draft)

    assert [(one.after, one.calls) for one in found.changes] == [("ask", (2,)), ("allow", (1,))]
    assert (found.refused, found.count("allow"), found.count("ask")) == (0, 1, 1)


def test_what_has_been_changed_since_is_not_the_drafts_doing():
    """Allowed when it was made, refused in force, refused by the draft: nothing to blame it for."""
    strict = house(blocked_tools=["get_a"])
    found = rehearse([call(1)], strict, house(blocked_tools=["get_a", "x"]))

    assert (found.changes, found.refused, found.decided_otherwise_since) == ((), 0, 1)
    assert found.summary().endswith("; 1 are decided otherwise by the policy in force, too")


def test_a_grant_counts_as_it_stood_at_the_moment_of_the_call():
    who = {"grants": (Grant("db", ("set_a",), NOW),)}
    calls = [
        call(1, tool="set_a", who=who, at=NOW - timedelta(seconds=1)),
        call(2, tool="set_a", who=who, at=NOW, effect="deny"),
    ]
    found = rehearse(calls, house(), house(blocked_tools=["set_*"]))

    assert [one.calls for one in found.changes] == [(1,)]


def test_what_the_draft_changes_about_a_person_counts_too():
    grant = Grant("db", ("set_a",))
    was, now = ({"dev@x": Subject("dev@x", role="dev", grants=grants)} for grants in ((grant,), ()))
    calls = [call(1, tool="set_a", who={"grants": (grant,)}), call(2)]
    found = rehearse(calls, house(people=was), house(people=now))

    assert [(one.calls, one.after) for one in found.changes] == [((1,), "deny")]


def test_a_key_that_narrowed_the_person_still_does():
    calls = [call(1, who={"only_servers": frozenset({"crm"})}, effect="deny")]
    people = [{"dev@x": Subject("dev@x", role="dev", allowed_mcps=reach)} for reach in ([], "*")]
    assert rehearse(calls, house(people=people[0]), house(people=people[1])).changes == ()


# --- What is not known ----------------------------------------------------------------------------
LIMITED = {"argument_rules": [{"tools": ["get_*"], "argument": "limit", "max": 5}]}
SECRET = {"argument_rules": [{"tools": ["get_*"], "argument": "password.value", "required": True}]}


@pytest.mark.parametrize(
    ("arguments", "fields", "draft", "answer"),
    [
        ({"password": "hunter22", "limit": 9}, {}, LIMITED, "deny"),
        ({"password": "hunter22", "limit": 3}, {}, LIMITED, None),
        ({"password": "hunter22"}, {}, SECRET, "unknown"),
        ({"PassWord": {"token": "hunter22"}}, {}, SECRET, "unknown"),
        ({"password": "hunter22"}, {}, {"blocked_tools": ["get_*"]}, "deny"),
        ({}, {"hidden": "*"}, LIMITED, "unknown"),
        ({}, {"hidden": "*"}, {"blocked_tools": ["get_*"]}, "unknown"),
        ({"cut": True}, {"hidden": ["big"], "given": {"limit": 9}}, LIMITED, "deny"),
        ({"cut": True}, {"hidden": ["limit"], "given": {"big": 9}}, LIMITED, "unknown"),
        ({}, {"altered": True}, {"blocked_tools": ["get_*"]}, "unknown"),
        ({}, {"subject": {"grants": 7}}, {"blocked_tools": ["get_*"]}, "unknown"),
    ],
    ids=range(11),
)
def test_only_what_is_known_exactly_is_decided(arguments, fields, draft, answer):
    found = rehearse([call(1, arguments, **fields)], house(), house(**draft))
    got = "unknown" if found.unknown else next((one.after for one in found.changes), None)
    assert got == answer


def test_entries_from_before_inputs_were_kept_are_not_known():
    found = rehearse([Recorded(7, NOW, "allow", None, {})], house(), house())
    assert (found.calls, found.unknown) == (1, (7,))
    assert found.summary().endswith("; 1 not known exactly")


# --- One by one -----------------------------------------------------------------------------------
def subject_of(who, number):
    grants = tuple(Grant(server, tools, until) for server, tools, until in who["grants"])
    return Subject(f"{number}@x", **(who | {"grants": grants}))


def recorded(maker):
    """Calls of a few people, many of them alike; the arguments as sent beside each."""
    people = [subject_of(maker.who(), number) for number in range(PEOPLE)]
    for entry in range(CALLS):
        at = NOW + timedelta(seconds=maker.random.randint(-1, 1))
        inputs = Inputs(maker.one(people), Target(**maker.tool()), at)
        given = maker.arguments()
        if maker.often(0.3):
            given["password"] = maker.one(("hunter22", "hunter23"))
        if maker.often(0.1):
            given["database"] = "Bearer abcdef0123456789abcdef"
        written = kept(inputs.as_json(), given, safe=(safe := redact(given)), cut=False)
        stored = json.loads(json.dumps([written, safe]))
        yield Recorded(entry, at, "allow", *stored), inputs, given


@pytest.mark.parametrize("seed", range(20))
def test_it_names_the_calls_that_deciding_one_by_one_names(seed):
    maker = Maker(seed)
    before = maker.document()
    after = before | {
        part: said for part, said in Maker(seed + 7_000).document().items() if maker.often(0.4)
    }
    calls = list(recorded(maker))
    old, new = snapshot(before), snapshot(after)

    found = rehearse([one for one, _, _ in calls], old, new)

    changed = {
        entry: (one.before, one.after, one.layer, one.rule)
        for one in found.changes
        for entry in one.calls
    }
    for one, inputs, given in calls:
        if one.entry in found.unknown:
            assert one.inputs["hidden"]
            continue
        was, now = inputs.decide(old.policy, given), inputs.decide(new.policy, given)
        answer = (was.effect, now.effect, now.layer, now.rule) if was.effect != now.effect else None
        assert changed.get(one.entry) == answer
    assert len(found.unknown) < CALLS / 2
