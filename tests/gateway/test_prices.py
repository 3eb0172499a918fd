from datetime import date
from decimal import Decimal

import pytest

from gateway.llm.base import NO_TOKENS, Usage
from gateway.llm.prices import PRICES, Cost, reckon

TODAY = date(2026, 11, 23)
MILLION = 1_000_000


def usage(input: int = 0, output: int = 0, read: int = 0, write: int = 0) -> Usage:
    return Usage(input=input, output=output, cache_read=read, cache_write=write)


@pytest.mark.parametrize(
    ("model", "used", "amount"),
    [
        ("claude-opus-5-5", usage(MILLION), "4"),
        ("claude-opus-5-5", usage(output=MILLION), "20"),
        ("claude-opus-5-5", usage(write=MILLION), "5"),
        ("claude-opus-5-5", usage(read=MILLION), "0.20"),
        ("claude-opus-5", usage(1000, 1000, 1000, 1000), "0.03675"),
        ("claude-sonnet-5-5", usage(1234, 56, 7890, 12), "0.003847"),
        ("claude-haiku-5-5", usage(100_000, 1000), "0.0105"),
        ("claude-haiku-5-5", usage(100_001, 1000), "0.0525005"),
        ("claude-haiku-5-5", usage(1, 0, 60_000, 40_000), "0.0280005"),
        ("claude-haiku-4-5", usage(1000, 1000), "0.006"),
        ("claude-haiku-4-5-20251001", usage(1000, 1000), "0.006"),
        ("claude-fable-5-1", usage(1000, 1000), "0.06"),
        ("offline", NO_TOKENS, "0"),
    ],
)
def test_a_turn_costs_what_its_row_says(model: str, used: Usage, amount: str) -> None:
    assert reckon(model, used, TODAY).amount == Decimal(amount)


@pytest.mark.parametrize(
    ("on", "amount"),
    [(date(2026, 10, 6), "0.20"), (date(2026, 10, 7), "0.10"), (date(2027, 1, 1), "0.10")],
)
def test_a_row_holds_from_its_date_on(on: date, amount: str) -> None:
    assert reckon("claude-sonnet-5-5", usage(read=MILLION), on).amount == Decimal(amount)


@pytest.mark.parametrize(
    "model",
    [
        "claude-fable-5-2",
        "claude-opus-5-7",
        "claude-opus-5-5-preview",
        "claude-haiku",
        "qwen3:8b",
        "scripted",
        "",
        "claude-haiku-4-5-2025",
    ],
)
def test_an_unknown_model_costs_unknown(model: str) -> None:
    assert reckon(model, usage(1000, 1000), TODAY) == Cost(None, None)


@pytest.mark.parametrize("missing", ["input", "output", "cache_read", "cache_write"])
def test_a_count_left_out_makes_the_cost_unknown(missing: str) -> None:
    counts = {"input": 1, "output": 1, "cache_read": 1, "cache_write": 1} | {missing: None}
    assert reckon("claude-opus-5-5", Usage(**counts), TODAY).amount is None


def test_tokens_of_a_kind_without_a_price_make_the_cost_unknown() -> None:
    cost = reckon("claude-haiku-4-5", usage(1000, 1000, read=1), TODAY)
    assert (cost.amount, cost.row is not None) == (None, True)


def test_the_row_used_is_kept_as_json_knows_it() -> None:
    assert reckon("claude-haiku-5-5", usage(200_000), TODAY).row == {
        "model": "claude-haiku-5-5",
        "input": "0.50",
        "output": "2.50",
        "cache_write": "0.625",
        "cache_read": "0.05",
        "effective_from": "2000-01-01",
        "min_prompt_tokens": 100_001,
    }


def test_no_two_rows_hold_for_the_same() -> None:
    keys = [(row.model, row.effective_from, row.min_prompt_tokens) for row in PRICES]
    assert len(keys) == len(set(keys))
