"""An outcome held against what a case expects of it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase

from gateway.citations import claims
from gateway.evaluation.cases import Expected


@dataclass(frozen=True)
class Outcome:
    """What came of a question. `trouble` says why there is none at all."""

    state: str = ""
    answer: str = ""
    error_code: str = ""
    tools: tuple[str, ...] = ()  # as server/tool, in their order
    turns: int = 0
    tokens: int = 0
    cost: Decimal | None = None
    milliseconds: int = 0
    unsupported: int = 0
    trouble: str = ""


def failures(expected: Expected, outcome: Outcome) -> list[str]:
    """Every expectation that does not hold, in words; none when all is well."""
    if outcome.trouble:
        return [outcome.trouble]
    return [*_said(expected, outcome), *_called(expected, outcome), *_bounds(expected, outcome)]


def _said(expected: Expected, outcome: Outcome) -> Iterator[str]:
    if outcome.state != expected.state:
        code = f" ({outcome.error_code})" if outcome.error_code else ""
        yield f"it is {outcome.state}{code}, not {expected.state}"
    if expected.equals is not None and outcome.answer.strip() != expected.equals.strip():
        yield "the answer is another one"
    lowered = outcome.answer.lower()
    for text in expected.contains:
        if text.lower() not in lowered:
            yield f"the answer does not contain {text!r}"
    known = values_of(outcome.answer) if expected.figures else frozenset()
    for figure in expected.figures:
        if not values_of(figure) & known:
            yield f"the answer does not have the figure {figure}"


def values_of(text: str) -> frozenset[object]:
    """The figures, dates and names in a text, by their values."""
    found, _ = claims.find(text)
    values: set[object] = set()
    for claim in found:
        values.update(one.value for one in claim.readings if not one.converted)
        values.update(key.lower() for key in claim.keys)
    return frozenset(values)


def _called(expected: Expected, outcome: Outcome) -> Iterator[str]:
    for pattern in expected.tools:
        if not any(fnmatchcase(tool, pattern) for tool in outcome.tools):
            yield f"{pattern} was not called"
    for pattern in expected.must_not_call:
        for tool in sorted({one for one in outcome.tools if fnmatchcase(one, pattern)}):
            yield f"{tool} was called"


def _bounds(expected: Expected, outcome: Outcome) -> Iterator[str]:
    if expected.max_turns is not None and outcome.turns > expected.max_turns:
        yield f"{outcome.turns} turns, at most {expected.max_turns:g}"
    if expected.max_unsupported is not None and outcome.unsupported > expected.max_unsupported:
        yield (
            f"{outcome.unsupported} figures stand in no result, at most"
            f" {expected.max_unsupported:g}"
        )
    if expected.max_cost is None:
        return
    if outcome.cost is None:
        yield f"its cost is not known; at most ${expected.max_cost:g}"
    elif outcome.cost > Decimal(str(expected.max_cost)):
        yield f"it cost ${outcome.cost:f}, at most ${expected.max_cost:g}"
