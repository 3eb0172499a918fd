"""What a turn cost: dated price rows, US dollars for a million tokens. The unknown stays unknown.

Source: the provider's price list, read in November 2026. A row holds from its date on, and for
prompts of at least its length (new tokens, cache reads and cache writes together); then its prices
hold for the whole request. Cache writes are those of the five-minute cache, the only one we use.
"""

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from gateway.llm.base import Usage

_MILLION = 1_000_000
_LAUNCH = date(2000, 1, 1)


@dataclass(frozen=True)
class Price:
    """The prices of one model, as decimal text, from a date and a prompt length on."""

    model: str
    input: str
    output: str
    cache_write: str | None
    cache_read: str | None
    effective_from: date = _LAUNCH
    min_prompt_tokens: int = 0

    def as_row(self) -> dict[str, object]:
        """The row as JSON knows it, to be kept with what was reckoned from it."""
        return asdict(self) | {"effective_from": self.effective_from.isoformat()}


@dataclass(frozen=True)
class Cost:
    """US dollars and the row they come from; None is "unknown", which is not 0."""

    amount: Decimal | None
    row: dict[str, object] | None


PRICES = (
    Price("claude-opus-5-5", "4", "20", "5", "0.20"),
    Price("claude-opus-5", "5", "25", "6.25", "0.50"),
    Price("claude-sonnet-5-5", "2", "10", "2.50", "0.20"),
    Price("claude-sonnet-5-5", "2", "10", "2.50", "0.10", effective_from=date(2026, 10, 7)),
    Price("claude-haiku-5-5", "0.10", "0.50", "0.125", "0.01"),
    Price("claude-haiku-5-5", "0.50", "2.50", "0.625", "0.05", min_prompt_tokens=100_001),
    Price("claude-haiku-4-5", "1", "5", None, None),
    Price("claude-fable-5-1", "10", "50", None, None),
    Price("offline", "0", "0", "0", "0"),
)


def reckon(model: str, usage: Usage, on: date) -> Cost:
    """What this usage of a model cost on that day.

    Unknown when no row holds, when the provider left out a count, or when tokens were of a kind
    whose price is not known.
    """
    prompt = usage.prompt
    if prompt is None:
        return Cost(None, None)
    price = find_price(model, prompt=prompt, on=on)
    if price is None:
        return Cost(None, None)
    parts = [
        _part(usage.input, price.input),
        _part(usage.output, price.output),
        _part(usage.cache_read, price.cache_read),
        _part(usage.cache_write, price.cache_write),
    ]
    known = [part for part in parts if part is not None]
    return Cost(sum(known, Decimal(0)) if len(known) == len(parts) else None, price.as_row())


def at_most(model: str, *, prompt: int, answer: int, on: date) -> Decimal | None:
    """The most that a turn with these bounds can cost; None where no price is known."""
    price = find_price(model, prompt=prompt, on=on)
    if price is None:
        return None
    dearest = max(Decimal(one) for one in (price.input, price.cache_write or "0"))
    return (prompt * dearest + answer * Decimal(price.output)) / _MILLION


def find_price(model: str, *, prompt: int, on: date) -> Price | None:
    """The row that holds for a model, a prompt of so many tokens, and a day."""
    rows = [
        row
        for row in PRICES
        if row.model == _known_name(model)
        and row.effective_from <= on
        and row.min_prompt_tokens <= prompt
    ]
    return max(rows, key=lambda row: (row.effective_from, row.min_prompt_tokens), default=None)


def _known_name(model: str) -> str | None:
    """The model without the date of its release: `claude-haiku-4-5-20251001` is haiku 4.5.

    Nothing else may follow a known name, for `claude-opus-5-7` is not priced like `claude-opus-5`.
    """
    name, _, suffix = model.rpartition("-")
    dated = len(suffix) == 8 and suffix.isdigit()
    known = {row.model for row in PRICES}
    return next((one for one in (model, name if dated else "") if one in known), None)


def _part(tokens: int | None, price: str | None) -> Decimal | None:
    if tokens == 0:
        return Decimal(0)
    if tokens is None or price is None:
        return None
    return Decimal(tokens) * Decimal(price) / _MILLION
