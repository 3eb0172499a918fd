"""An outcome held against what is expected of it."""

from decimal import Decimal

import pytest

from gateway.evaluation.cases import Expected
from gateway.evaluation.judging import Outcome, failures

GOOD = Outcome(
    state="answered",
    answer="There are 1,234 orders, the last on 26 Nov 2026.",
    tools=("crm/list_orders", "crm/count"),
    turns=2,
    cost=Decimal("0.02"),
    unsupported=1,
)


@pytest.mark.parametrize(
    "expected",
    [
        Expected(),
        Expected(equals=" There are 1,234 orders, the last on 26 Nov 2026. "),
        Expected(contains=("ORDERS",), figures=("1234", "1.234", "2026-11-26")),
        Expected(tools=("crm/*", "crm/count"), must_not_call=("crm/delete_*",)),
        Expected(max_turns=2, max_cost=0.02, max_unsupported=1),
    ],
)
def test_what_holds_is_no_failure(expected):
    assert failures(expected, GOOD) == []


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (Expected(state="refused"), "it is answered, not refused"),
        (Expected(equals="There are"), "the answer is another one"),
        (Expected(contains=("pens",)), "the answer does not contain 'pens'"),
        (Expected(figures=("1235",)), "the answer does not have the figure 1235"),
        (Expected(figures=("123",)), "the answer does not have the figure 123"),
        (Expected(tools=("git/*",)), "git/* was not called"),
        (Expected(must_not_call=("crm/*_orders",)), "crm/list_orders was called"),
        (Expected(max_turns=1), "2 turns, at most 1"),
        (Expected(max_cost=0.01), "it cost $0.02, at most $0.01"),
        (Expected(max_unsupported=0), "1 figures stand in no result, at most 0"),
    ],
)
def test_what_does_not_hold_is_said(expected, said):
    assert failures(expected, GOOD) == [said]


def test_a_cost_that_is_not_known_is_not_taken_for_none():
    unknown = Outcome(state="answered", cost=None)

    assert failures(Expected(max_cost=1), unknown) == ["its cost is not known; at most $1"]


def test_where_there_is_no_outcome_that_is_all_that_is_said():
    assert failures(Expected(tools=("a/b",)), Outcome(trouble="never asked")) == ["never asked"]


def test_an_error_has_its_code():
    failed = Outcome(state="failed", error_code="model_failed")

    assert failures(Expected(), failed) == ["it is failed (model_failed), not answered"]
