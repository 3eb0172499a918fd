"""Two sides beside each other."""

from decimal import Decimal

from gateway.llm.base import Usage
from gateway.replay import comparing
from gateway.replay.comparing import compare
from gateway.replay.desk import Answered, Outcome
from gateway.replay.playing import Attempt


def made(name, outcome=Outcome.RECORDED, rule="", **arguments):
    return Answered(name, arguments, outcome, "", False, rule=rule)


def attempt(*answered, answer="It is 5.", **changed):
    usual = {"state": "answered", "model": "m", "turns": 2, "cost": Decimal("0.5")}
    usual |= {"usage": Usage(1, 2, 3, 4), "milliseconds": 7}
    return Attempt(answer=answer, answered=answered, **usual | changed)


def pairs(found):
    return [(str(one.status), one.tool, str(one.outcome)) for one in found.calls]


def test_the_same_in_another_order_is_the_same():
    found = compare(attempt(made("a"), made("b")), attempt(made("b"), made("a")))

    assert (found.same, found.divergences) == (True, 0)
    assert pairs(found) == [("same", "b", "recorded"), ("same", "a", "recorded")]


def test_an_exact_match_is_not_taken_by_a_changed_call_before_it():
    found = compare(attempt(made("a", x=1)), attempt(made("a", x=2), made("a", x=1)))

    assert pairs(found) == [("new", "a", "recorded"), ("same", "a", "recorded")]


def test_changed_new_and_missing_calls():
    then = attempt(made("a", x=1), made("b"))
    now = attempt(made("a", Outcome.NOT_RECORDED, x=2), made("c", Outcome.NOT_RECORDED))

    found = compare(then, now)

    assert pairs(found) == [
        ("changed", "a", "not_recorded"),
        ("new", "c", "not_recorded"),
        ("missing", "b", ""),
    ]
    assert (found.calls[0].recorded, found.calls[0].replayed) == ({"x": 1}, {"x": 2})
    assert found.counts()["not_recorded"] == 2


def test_what_was_refused_already_is_no_divergence_and_what_is_now_is_one():
    then = attempt(made("a", Outcome.REFUSED), made("b"))
    now = attempt(made("a", Outcome.REFUSED), made("b", Outcome.REFUSED, rule="blocked: x"))

    found = compare(then, now)

    assert pairs(found) == [("same", "a", "recorded"), ("same", "b", "refused")]
    assert (found.same, found.divergences) == (False, 1)
    assert (comparing.refusals(then), comparing.refusals(now)) == (1, 2)


def test_figures_and_differences_are_said_in_lines():
    found = compare(
        attempt(made("a", x=1)),
        attempt(made("a", Outcome.NOT_RECORDED, x=2), answer="It is 6.", turns=3, cost=None),
    )
    assert list(comparing.lines(found)) == [
        "another answer:",
        "  --- recorded",
        "  +++ replayed",
        "  @@ -1 +1 @@",
        "  -It is 5.",
        "  +It is 6.",
        'changed  a {"x": 1} → {"x": 2}  (not recorded)',
        "state         answered → answered",
        "model         m → m",
        "turns         2 → 3  *",
        "refusals      0 → 0",
        "cost_usd      0.5 → None  *",
        "milliseconds  7 → 7",
        "tokens        10 → 10",
    ]


def test_everything_is_there_for_programs():
    shown = compare(attempt(made("a")), attempt(made("a"))).as_json()

    assert shown.keys() == {"same", "answer", "calls", "counts", "recorded", "replayed"}
    assert shown["replayed"]["tokens"] == {
        "input": 1, "output": 2, "cache_read": 3, "cache_write": 4,
    }  # fmt: skip
    assert shown["calls"] == [
        {"status": "same", "tool": "a", "recorded": {}, "replayed": {}, "outcome": "recorded",
         "rule": ""}
    ]  # fmt: skip
