"""What each tool answers: rows of plain values, read from the sums and the record."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit import stats
from audit.models import Entry
from audit.rollup import Place
from audit.stats import Figures, Latency, Period
from registry.models import Server

Row = dict[str, Any]
Kind, Outcome = Entry.Kind, Entry.Outcome


@dataclass(frozen=True)
class Wanted:
    """What was asked: of which period, by which dimension, how much of it."""

    when: Period
    by: str
    limit: int


def cost_summary(wanted: Wanted) -> list[Row]:
    """The whole, then each hour or day on which anything was spent."""
    rows = [{"when": "total"} | _spent(stats.total(wanted.when))]
    for at, found in stats.series(wanted.when):
        if found.ended:
            rows.append({"when": _moment(at, wanted.when)} | _spent(found))
    return rows


def most_expensive(wanted: Wanted) -> list[Row]:
    return _ranked(wanted, "cost", _spent)


def slowest(wanted: Wanted) -> list[Row]:
    return _ranked(wanted, "slow", lambda one: {"calls": one.calls} | _times(one.call_latency))


def errors(wanted: Wanted) -> list[Row]:
    ranked = stats.ranking(wanted.when, "error", order="failed", limit=wanted.limit)
    return [
        {
            "error": place.name,
            "calls": one.calls_failed + one.calls_unknown,
            "questions": one.failed + one.expired,
        }
        for place, one in ranked
    ]


def failed(wanted: Wanted) -> list[Row]:
    """The latest calls and questions that went wrong, newest first."""
    wrong = Entry.objects.filter(
        kind__in=(Kind.CALL_CALLED, Kind.QUESTION_ENDED),
        outcome__in=(Outcome.FAILED, Outcome.UNKNOWN),
        at__gte=wanted.when.start,
        at__lt=wanted.when.end,
    )
    columns = ("at", "kind", "person", "server", "tool", "error_code")
    rows = wrong.order_by("-at", "-id").values(*columns)[: wanted.limit]
    return [
        {
            "at": f"{row['at']:%Y-%m-%d %H:%M:%S}",
            "what": "call" if row["kind"] == Kind.CALL_CALLED else "question",
            "person": row["person"],
            "tool": f"{row['server']}/{row['tool']}" if row["tool"] else "",
            "error": row["error_code"],
        }
        for row in rows
    ]


def refusals(wanted: Wanted) -> list[Row]:
    ranked = stats.ranking(wanted.when, "rule", order="refused", limit=wanted.limit)
    return [
        {"rule": place.name, "layer": place.within, "refused_calls": one.calls_refused}
        for place, one in ranked
    ]


def active_people(wanted: Wanted) -> list[Row]:
    ranked = stats.ranking(wanted.when, "person", order="questions", limit=wanted.limit)
    return [
        {
            "person": place.name,
            "questions": one.questions,
            "calls": one.calls,
            "refused": one.calls_refused,
            "cost_usd": _dollars(one),
        }
        for place, one in ranked
    ]


def tool_popularity(wanted: Wanted) -> list[Row]:
    ranked = stats.ranking(wanted.when, "tool", order="calls", limit=wanted.limit)
    return [
        _named(place)
        | {
            "calls": one.calls,
            "failed": one.calls_failed + one.calls_unknown,
            "questions": one.questions,
        }
        for place, one in ranked
    ]


def server_health(wanted: Wanted) -> list[Row]:
    """Every server that takes part: how it is now, and how its calls went in the period."""
    ranked = stats.ranking(wanted.when, "server", order="calls", limit=1000)
    counted = {place.name: one for place, one in ranked}
    servers = Server.objects.enabled().select_related("breaker").order_by("name")
    return [_health(server, counted.get(server.name)) for server in servers]


def turns(wanted: Wanted) -> list[Row]:
    """The whole, then who or what took most turns."""
    ranked = stats.ranking(wanted.when, wanted.by, order="turns", limit=wanted.limit)
    places = [(Place("total"), stats.total(wanted.when)), *ranked]
    return [
        {
            wanted.by: place.name or "everybody",
            "turns": one.turns,
            "questions": one.ended,
            "turns_per_question": round(one.turns / one.ended, 1) if one.ended else None,
        }
        for place, one in places
    ]


# --- Parts ----------------------------------------------------------------------------------------
def _ranked(wanted: Wanted, order: str, tell: Callable[[Figures], Row]) -> list[Row]:
    ranked = stats.ranking(wanted.when, wanted.by, order=order, limit=wanted.limit)
    return [_named(place) | tell(one) for place, one in ranked]


def _named(place: Place) -> Row:
    return {place.dimension: place.name} | ({"server": place.within} if place.within else {})


def _spent(one: Figures) -> Row:
    return {
        "cost_usd": _dollars(one),
        "questions": one.questions,
        "input_tokens": one.input_tokens,
        "output_tokens": one.output_tokens,
        "of_unknown_cost": one.unpriced,
    }


def _dollars(one: Figures) -> float:
    return round(float(one.cost), 4)


def _times(took: Latency) -> Row:
    told = {"mean_ms": took.mean, "half_within_ms": took.p50, "p90_ms": took.p90}
    return {name: None if value is None else round(value) for name, value in told.items()}


def _health(server: Server, found: Figures | None) -> Row:
    breaker = getattr(server, "breaker", None)
    row: Row = {"server": server.name, "now": server.health}
    row["left_alone"] = bool(breaker and breaker.closed_until)
    row["calls"] = found.calls if found else 0
    row["failed"] = found.calls_failed + found.calls_unknown if found else 0
    return row | (_times(found.call_latency) if found else {})


def _moment(at: datetime, when: Period) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if when.granularity == "hour" else f"{at:%Y-%m-%d}"
