"""Many tools at once: each as `decide` says it; and what waits for arguments says for whom."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.policy import Target, compile_policy, decide, listing
from tests.accounts.asking import shown
from tests.accounts.policies import NOW, Maker
from tests.accounts.test_policy_reference import subject_of


def said(decision):
    """Everything of a decision but its sentences, which may name another tool that looks alike."""
    steps = [(step.layer, step.verdict, step.rule) for step in decision.trace]
    return decision.effect, decision.layer, decision.rule, decision.bypassed, steps


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.integers(min_value=0, max_value=2**48))
def test_each_of_many_tools_is_decided_as_it_is_alone(seed):
    maker = Maker(seed)
    policy, subject = compile_policy(maker.document()), subject_of(maker.who())
    targets = [Target(**maker.tool()) for _ in range(30)]
    alone = [decide(policy, subject, target, None, NOW) for target in targets]
    together = listing.decisions(policy, subject, targets, NOW)
    assert [said(one) for one in together] == [said(one) for one in alone]
    assert list(listing.effects(policy, subject, targets, NOW)) == [one.effect for one in alone]


def arguments_step(document=None, **who):
    [step] = [one for one in shown(document, who=who).trace if one.layer == "arguments"]
    return str(step.verdict), step.reason


SIX = "database, database_name, db, db_name, schema, preset"
NOBODY = ("pass", "No argument rule binds this person.")


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ({}, ("not yet known", f"It depends on the arguments: {SIX}.")),
        ({"super_admin": True}, NOBODY),
        ({"attributes": {"allowed_databases": "*"}}, NOBODY),
    ],
)
def test_a_database_rule_binds_nobody_who_may_use_them_all(who, expected):
    assert arguments_step(**who) == expected


def test_a_limit_binds_those_too_who_may_use_all_databases():
    rule = {"tools": ["get_*"], "argument": "limit", "max": 10}
    expected = ("not yet known", "It depends on the arguments: limit.")
    assert arguments_step({"argument_rules": [rule]}, super_admin=True) == expected


def test_whether_somebody_must_say_yes_may_depend_on_the_arguments():
    rule = {"tools": ["get_*"], "argument": "limit", "max": 10, "effect": "ask"}
    decision = shown({"argument_rules": [rule]})
    step = decision.trace[-1]
    assert (str(decision.effect), str(step.layer), str(step.verdict), step.rule) == (
        "allow", "confirmation", "not yet known", "argument_rules.1",
    )  # fmt: skip
