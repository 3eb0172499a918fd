"""What was used in a period: questions, calls, tokens and money, as a whole or by some column.

Tokens and money stand on the entry that ends a question, so they add up by person and role; a tool
or a server has calls, refusals, failures and time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Aggregate, Avg, Count, Q, QuerySet, Sum

from audit.models import Entry

Kind, Outcome = Entry.Kind, Entry.Outcome


class By(StrEnum):
    """What sums may be taken by."""

    PERSON = "person"
    ROLE = "role"
    DOOR = "door"
    SERVER = "server"
    TOOL = "tool"


@dataclass(frozen=True)
class Sums:
    """The use of one period; `unpriced` counts ended questions whose cost nobody knows."""

    questions: int
    calls: int
    refused: int
    failed: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost: Decimal
    unpriced: int
    milliseconds_per_call: float | None


def total(since: datetime, until: datetime) -> Sums:
    """All use from `since` until before `until`."""
    return _sums(_period(since, until).aggregate(**_aggregates()))


def by(column: By, since: datetime, until: datetime) -> dict[tuple[str, ...], Sums]:
    """The use for each name of the column, the busiest first; a tool is named with its server."""
    names = ("server", "tool") if column is By.TOOL else (column.value,)
    rows = (
        _period(since, until)
        .exclude(**{names[-1]: ""})
        .order_by()
        .values(*names)
        .annotate(**_aggregates())
    )
    sums = {tuple(row[name] for name in names): _sums(row) for row in rows}
    return dict(sorted(sums.items(), key=lambda item: (-_weight(item[1]), item[0])))


def _period(since: datetime, until: datetime) -> QuerySet[Entry]:
    return Entry.objects.filter(at__gte=since, at__lt=until)


def _weight(sums: Sums) -> int:
    return sums.questions + sums.calls + sums.refused


def _aggregates() -> dict[str, Aggregate]:
    """One aggregate for each field of `Sums`; the prefix keeps them apart from the columns."""
    ended, called = Q(kind=Kind.QUESTION_ENDED), Q(kind=Kind.CALL_CALLED)
    tokens = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    aggregates: dict[str, Aggregate] = {
        "questions": Count("id", filter=Q(kind=Kind.QUESTION_ACCEPTED)),
        "calls": Count("id", filter=called),
        "refused": Count("id", filter=Q(kind=Kind.CALL_REFUSED)),
        "failed": Count("id", filter=called & Q(outcome=Outcome.FAILED)),
        "cost": Sum("cost", filter=ended, default=Decimal(0)),
        "unpriced": Count("id", filter=ended & Q(cost=None)),
        "milliseconds_per_call": Avg("milliseconds", filter=called),
        **{name: Sum(name, filter=ended, default=0) for name in tokens},
    }
    return {f"sum_{name}": aggregate for name, aggregate in aggregates.items()}


def _sums(row: Mapping[str, Any]) -> Sums:
    return Sums(**{field.name: row[f"sum_{field.name}"] for field in fields(Sums)})
