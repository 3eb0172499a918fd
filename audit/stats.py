"""What the sums say of a period: as a whole, over time, and who or what comes first.

Only rolled-up rows are read (`audit.rollup`), so it costs the same with ten million entries.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Any

import orjson
from django.db.models import F, Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast

from audit import latency
from audit.errors import BadFilter
from audit.models import Rollup
from audit.rollup import LATENCIES, MEASURES, TOTAL, Place
from audit.steps import STEPS, Granularity, ceiling, floor

# What a period may be shown by; weeks only make long ones quick to add up.
SHOWN = (Granularity.HOUR, Granularity.DAY)
# A chart with more points than this shows nothing more.
MOST_POINTS = 800
# Up to here hours are shown where nobody says what to show.
HOURS_UP_TO = timedelta(days=3)
SUMMED = tuple(name for name in MEASURES if name not in LATENCIES)
_NONE: dict[str, latency.Buckets] = {name: {} for name in LATENCIES}
SHARES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}

# What is added up to put names in order; "slow" is the first divided by the second.
ORDERS = {
    "questions": ("questions",),
    "turns": ("turns",),
    "calls": ("calls",),
    "refused": ("calls_refused", "refused", "turned_away"),
    "failed": ("calls_failed", "calls_unknown", "failed", "expired"),
    "tokens": ("input_tokens", "output_tokens"),
    "cost": ("cost",),
    "slow": ("call_milliseconds", "calls"),
}


@dataclass(frozen=True)
class Period:
    """Whole hours or days (UTC), from `start` until before `end`."""

    start: datetime
    end: datetime
    granularity: str

    def starts(self) -> Iterator[datetime]:
        """When each of its hours or days begins."""
        start = self.start
        while start < self.end:
            yield start
            start += STEPS[Granularity(self.granularity)]


@dataclass(frozen=True)
class Latency:
    """How long calls or questions took, in milliseconds; None where there were none."""

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


@dataclass(frozen=True)
class Figures:
    """All that is counted, of one period and place; see `Rollup` for what each is."""

    questions: int
    turned_away: int
    answered: int
    refused: int
    failed: int
    cancelled: int
    expired: int
    turns: int
    calls: int
    calls_failed: int
    calls_unknown: int
    calls_refused: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost: Decimal
    unpriced: int
    call_latency: Latency
    question_latency: Latency

    @property
    def ended(self) -> int:
        return self.answered + self.refused + self.failed + self.cancelled + self.expired


def period(since: datetime, until: datetime, granularity: str = "") -> Period:
    """The whole hours or days that hold all from `since` until `until`.

    Hours where nothing is said and it is short. Raises BadFilter where nothing lies between, or
    more than 800 of them.
    """
    if until <= since:
        raise BadFilter("This is not after from: nothing lies between.", field="to")
    if not granularity:
        granularity = Granularity.HOUR if until - since <= HOURS_UP_TO else Granularity.DAY
    shown = Granularity(granularity)
    if (until - since) / STEPS[shown] > MOST_POINTS:
        raise BadFilter(f"More than {MOST_POINTS} {granularity}s: ask for less.", field="from")
    return Period(floor(since, shown), ceiling(until, shown), granularity)


def hour_after(at: datetime) -> datetime:
    """The end of the hour in which this moment lies."""
    return ceiling(at, Granularity.HOUR)


def total(when: Period, place: Place = TOTAL) -> Figures:
    """The sums of the whole period."""
    rows = _at(_within(when), place)
    sums = rows.aggregate(**_sums())
    return _figures(sums, _latencies(rows).get((place.name, place.within), _NONE))


def series(when: Period, place: Place = TOTAL) -> list[tuple[datetime, Figures]]:
    """The sums of each hour or day of the period, also of those in which nothing happened."""
    own = Rollup.objects.filter(granularity=when.granularity)
    rows = _at(own.filter(start__gte=when.start, start__lt=when.end), place)
    found = {row["start"]: row for row in rows.values("start", *MEASURES)}
    return [(start, _of_row(found.get(start, {}))) for start in when.starts()]


def ranking(
    when: Period,
    dimension: str,
    *,
    order: str,
    limit: int,
    within: str = "",
    timed: Sequence[str] = LATENCIES,
) -> list[tuple[Place, Figures]]:
    """Who or what has most of something in the period, as `ORDERS` has it; who has none is not in.

    `within` leaves only the tools of one server, or the rules of one layer. Of durations, which
    take longest to add up, only those `timed` are told; the others are None.
    """
    rows = _within(when).filter(dimension=dimension)
    if within:
        rows = rows.filter(within=within)
    if order == "slow":
        rows = rows.filter(calls__gt=0)
    # Of everybody only what puts them in order is added up: the rest of those that come first.
    named = rows.order_by().values("name", "within")
    ranked = named.annotate(**_sums(ORDERS[order])).annotate(weight=_weight(order))
    first = list(ranked.filter(weight__gt=0).order_by("-weight", "name", "within")[:limit])
    chosen = rows.filter(
        name__in={row["name"] for row in first}, within__in={row["within"] for row in first}
    )
    sums = {
        (row["name"], row["within"]): row
        for row in chosen.order_by().values("name", "within").annotate(**_sums())
    }
    latencies = _latencies(chosen, timed)
    keys = [(row["name"], row["within"]) for row in first]
    return [
        (Place(dimension, *key), _figures(sums[key], latencies.get(key, _NONE))) for key in keys
    ]


def _weight(order: str) -> Any:
    first, *others = (F(f"sum_{name}") for name in ORDERS[order])
    return first * 1.0 / others[0] if order == "slow" else reduce(add, others, first)


# --- Rows -----------------------------------------------------------------------------------------
def _at(rows: "QuerySet[Rollup]", place: Place) -> "QuerySet[Rollup]":
    return rows.filter(dimension=place.dimension, name=place.name, within=place.within)


def _within(when: Period) -> "QuerySet[Rollup]":
    """The rows that make up the period: as few as there are, and each moment in one of them."""
    return Rollup.objects.filter(_made_up(when.start, when.end, tuple(reversed(STEPS))))


def _made_up(start: datetime, end: datetime, granularities: tuple[Granularity, ...]) -> Q:
    """Of the widest all that lie wholly within; before and after them of the narrower ones."""
    widest, *narrower = granularities
    first, last = ceiling(start, widest), floor(end, widest)
    if first >= last:
        return _made_up(start, end, tuple(narrower))
    parts = Q(granularity=widest, start__gte=first, start__lt=last)
    for since, until in ((start, first), (last, end)):
        if since < until:
            parts |= _made_up(since, until, tuple(narrower))
    return parts


# --- Sums -----------------------------------------------------------------------------------------
def _sums(names: tuple[str, ...] = SUMMED) -> dict[str, Sum]:
    """One aggregate for each measure; the prefix keeps them apart from the columns."""
    return {f"sum_{name}": Sum(name, default=0) for name in names}


def _latencies(
    rows: "QuerySet[Rollup]", timed: Sequence[str] = LATENCIES
) -> dict[tuple[str, str], dict[str, Counter[str]]]:
    """The buckets of these rows, added up for each name."""
    found: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    # Read as text: Django's own reading of JSON takes longer than all the rest.
    texts = [Cast(F(one), TextField()) for one in timed]
    for name, within, *buckets in rows.values_list("name", "within", *texts):
        own = found.setdefault((name, within), {one: Counter() for one in LATENCIES})
        for one, counted in zip(timed, buckets, strict=True):
            latency.add(own[one], orjson.loads(counted))
    return found


def _of_row(row: Mapping[str, Any]) -> Figures:
    sums = {f"sum_{name}": row.get(name, 0) for name in SUMMED}
    return _figures(sums, {name: row.get(name, {}) for name in LATENCIES})


def _figures(sums: Mapping[str, Any], buckets: Mapping[str, latency.Buckets]) -> Figures:
    # PostgreSQL adds its widest whole numbers up as decimals.
    counts = {name: int(sums[f"sum_{name}"]) for name in SUMMED if name != "cost"}
    calls, questions = (counts.pop(f"{what}_milliseconds") for what in ("call", "question"))
    values: dict[str, Any] = counts | {"cost": Decimal(sums["sum_cost"])}
    return Figures(
        **values,
        call_latency=_latency(calls, buckets["call_latency"]),
        question_latency=_latency(questions, buckets["question_latency"]),
    )


def _latency(milliseconds: int, buckets: latency.Buckets) -> Latency:
    number = sum(buckets.values())
    shares = {name: latency.percentile(buckets, share) for name, share in SHARES.items()}
    return Latency(mean=milliseconds / number if number else None, **shares)
