"""Figures that stand in no result, and can be shown to be worked out from one.

The number of a table's rows, of those with a value that the answer's line names, the sum of a
column; and the difference or the sum of two figures of the same line that do stand in a result.
Nothing else is guessed: with enough operations anything could be worked out from anything.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from gateway.citations import figures
from gateway.citations.model import Citation, Claim, Kind, Reading, Status

# Longer results are not read as tables, and in a line with more figures none is tried with another.
MOST_CHARACTERS = 250_000
MOST_FIGURES = 6
_MOST_VALUES = 50
_MARKS = ("|", "\t", ";", ",")
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Fact:
    """A value that a result's rows have, and how it is worked out of them."""

    value: float
    how: str
    # What the answer's line has to name for it to count: a value of a column.
    named: str = ""


def facts_of(text: str) -> list[Fact]:
    """What can be worked out from the tables of a result."""
    if len(text) > MOST_CHARACTERS:
        return []
    return [fact for name, rows in _tables(text) for fact in _facts(name, rows)]


def find(claim: Claim, facts: Sequence[Fact], line: str) -> Fact | None:
    """The fact that is this figure; `line` is the answer's line around it, in small letters."""
    for fact in facts:
        if (not fact.named or fact.named in line) and _is(claim, fact.value):
            return fact
    return None


def from_two(claim: Claim, beside: Sequence[Citation]) -> tuple[Citation, str] | None:
    """Two figures of the same line that stand in a result and differ, or add up, by the claim."""
    known = [
        (one, one.claim.readings[0])
        for one in beside
        if one.claim.kind is Kind.NUMBER and one.status in (Status.FOUND, Status.ROUNDED)
    ]
    if len(known) > MOST_FIGURES:
        return None
    for (one, left), (other, right) in combinations(known, 2):
        larger, smaller = sorted((left.value, right.value), reverse=True)
        for value, sign in ((larger - smaller, "−"), (larger + smaller, "+")):
            if value and _is(claim, float(value)):
                first, second = (one, other) if left.value >= right.value else (other, one)
                return one, f"{first.claim.text} {sign} {second.claim.text}"
    return None


def _is(claim: Claim, value: float) -> bool:
    return any(_reads(reading, value) for reading in claim.readings)


def _reads(reading: Reading, value: float) -> bool:
    wanted = float(reading.value)
    if math.isclose(wanted, value, rel_tol=1e-9, abs_tol=1e-9):
        return True
    return reading.rounds and abs(wanted - value) <= float(reading.step) / 2


# --- Tables ---------------------------------------------------------------------------------------
def _tables(text: str) -> Iterator[tuple[str, Rows]]:
    try:
        yield from _in_json(json.loads(text), "")
    except (ValueError, RecursionError):
        yield from _in_lines(text)


def _in_json(value: Any, name: str, depth: int = 0) -> Iterator[tuple[str, Rows]]:
    """Every list of objects, by the name it stands under."""
    if depth > 4:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _in_json(inner, str(key), depth + 1)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        yield name, value
    elif isinstance(value, list) and value:
        yield name, [{"": one} for one in value]


def _in_lines(text: str) -> Iterator[tuple[str, Rows]]:
    """JSON lines, or a table whose lines have as many marks as its first one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    objects = [_object(line) for line in lines]
    if lines and all(one is not None for one in objects):
        yield "", [one for one in objects if one is not None]
        return
    mark = next((one for one in _MARKS if len(lines) > 1 and _is_table(lines[:2], one)), None)
    if mark is None:
        return
    cells = [[cell.strip() for cell in line.strip(mark).split(mark)] for line in lines]
    header, *rest = [row for row in cells if set("".join(row)) - set("-:+ ")]
    yield "", [dict(zip(header, row, strict=True)) for row in rest if len(row) == len(header)]


def _is_table(lines: Sequence[str], mark: str) -> bool:
    first, second = (line.strip(mark).count(mark) for line in lines)
    return first == second > 0


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _facts(name: str, rows: Rows) -> Iterator[Fact]:
    of = f" of {name}" if name else ""
    yield Fact(len(rows), f"count{of}: {len(rows)} rows")
    for column in list(rows[0]) if rows else []:
        values = [row.get(column) for row in rows]
        numbers = [number for one in values if (number := _number(one)) is not None]
        if len(numbers) > 1:
            yield Fact(
                math.fsum(numbers), f"sum of {column or name or 'a list'} over {len(numbers)} rows"
            )
        counts = Counter(one for one in values if isinstance(one, str) and len(one) < 60)
        for value, count in counts.items() if len(counts) <= _MOST_VALUES else ():
            how = f"count{of}: {count} rows with {column} {value}"
            yield Fact(count, how, named=value.lower())


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    if not isinstance(value, str) or not value[:1].isdigit():
        return None
    read = figures.read(value) if set(value) <= set("0123456789.,") else ()
    return float(read[0][0]) if len(read) == 1 else None
