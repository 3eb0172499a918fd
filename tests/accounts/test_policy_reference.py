"""The policy against an independent evaluator, on random cases."""

from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.policy import Effect, Grant, Subject, Target, compile_policy, decide, effects
from tests.accounts.policies import NOW, Maker
from tests.accounts.reference import evaluate

POLICIES = 200
CASES_PER_POLICY = 60


def subject_of(who):
    grants = tuple(Grant(server, tools, until) for server, tools, until in who["grants"])
    return Subject("p@example.com", **(who | {"grants": grants}))


def both(seed):
    """Everything one seed makes, decided twice."""
    maker = Maker(seed)
    document = maker.document()
    policy = compile_policy(document)
    for _ in range(CASES_PER_POLICY):
        who, tool, arguments = maker.who(), maker.tool(), maker.arguments()
        decision = decide(policy, subject_of(who), Target(**tool), arguments, NOW)
        ours = (str(decision.effect), str(decision.layer))
        yield ours, evaluate(document, who, tool, arguments, NOW), (who, tool, arguments)


@settings(
    max_examples=POLICIES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.integers(min_value=0, max_value=2**48))
def test_twelve_thousand_random_cases_are_decided_as_the_reference_decides_them(seed):
    for ours, theirs, case in both(seed):
        assert ours == theirs, case


def test_the_random_cases_reach_every_answer_of_every_layer():
    answers = Counter(theirs for seed in range(60) for _, theirs, _ in both(seed))
    assert {answer for answer, count in answers.items() if count >= 10} == {
        ("deny", "standing"),
        ("deny", "global blocks"),
        ("deny", "admin only"),
        ("deny", "exposure"),
        ("deny", "reach"),
        ("deny", "own rule"),
        ("deny", "role"),
        ("deny", "default"),
        ("deny", "arguments"),
        ("ask", "confirmation"),
        ("allow", "own rule"),
        ("allow", "role"),
        ("allow", "default"),
    }


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.integers(min_value=0, max_value=2**48))
def test_listing_never_shows_what_calling_refuses_before_it_looks_at_arguments(seed):
    maker = Maker(seed)
    policy = compile_policy(maker.document())
    for _ in range(20):
        subject, target = subject_of(maker.who()), Target(**maker.tool())
        listed = decide(policy, subject, target, None, NOW)
        called = [decide(policy, subject, target, maker.arguments(), NOW) for _ in range(5)]
        if any(one.effect != Effect.DENY for one in called):
            assert listed.effect != Effect.DENY
        if any(one.effect == Effect.DENY and one.layer != "arguments" for one in called):
            assert listed.effect == Effect.DENY


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.integers(min_value=0, max_value=2**48))
def test_a_grant_helps_just_where_a_refusal_says_so(seed):
    maker = Maker(seed)
    policy = compile_policy(maker.document())
    for _ in range(20):
        subject, target = subject_of(maker.who()), Target(**maker.tool())
        refusal = decide(policy, subject, target, None, NOW)
        granted = replace(subject, grants=(*subject.grants, Grant(target.server, (target.tool,))))
        if refusal.effect == Effect.DENY and refusal.layer != "arguments":
            after = decide(policy, granted, target, None, NOW)
            helped = after.effect != Effect.DENY or after.layer == "arguments"
            assert refusal.grant_helps == helped, (subject, target)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.integers(min_value=0, max_value=2**48))
def test_many_tools_at_once_are_listed_as_each_is_decided_alone(seed):
    maker = Maker(seed)
    policy, subject = compile_policy(maker.document()), subject_of(maker.who())
    targets = [Target(**maker.tool()) for _ in range(80)]
    alone = [decide(policy, subject, target, None, NOW).effect for target in targets]
    assert list(effects(policy, subject, targets, NOW)) == alone
