"""The page of what the record adds up to: figures, charts, tables, this moment.

It reads the sums (`audit.stats`), as `/api/audit/stats` does, and draws them itself: without a
script everything is there but the moment that goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts import authority
from accounts.authority import Right
from accounts.models import User
from audit import following, rollup, stats
from audit.errors import BadFilter
from audit.rollup import TOTAL, Place
from audit.stats import Figures, Period
from gateway.record import asked, drawn, links, live, ranked, spelled

LASTS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}
USUAL = "7d"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Tile:
    """One figure of the whole period, and how it was in the period before."""

    title: str
    value: str
    before: str
    note: str
    link: str
    tone: str = ""


@dataclass(frozen=True)
class Wanted:
    """What the page shall show: `last` is a usual period, or empty where two days are given."""

    last: str
    when: Period
    place: Place
    order: str


def may_see(request: HttpRequest) -> bool:
    """Whether this administrator may read the record."""
    user = request.user
    return isinstance(user, User) and authority.has(user, Right.VIEW_AUDIT_LOGS)


def page(request: HttpRequest) -> HttpResponse:
    """The dashboard of a period: of everything, or of one person, role, server, tool…"""
    if not may_see(request):
        raise PermissionDenied
    wrong = None
    try:
        wanted = _wanted(request.GET)
    except BadFilter as error:
        wanted, wrong = _wanted({}), error
    context = admin.site.each_context(request) | _shown(wanted) | {"title": "Dashboard"}
    context |= {"wrong": wrong, "asked": request.GET}
    status = 400 if wrong else 200
    return TemplateResponse(request, "admin/omni2/dashboard.html", context, status=status)


def _wanted(query: Mapping[str, str]) -> Wanted:
    last = asked.one_of(query, "last", list(LASTS), usual=USUAL)
    since, through = (asked.text(query, name) for name in ("since", "through"))
    when = _days(since, through) if since or through else _latest(last)
    order = asked.one_of(query, "order", list(ranked.ORDERS), usual="calls")
    return Wanted("" if since or through else last, when, asked.place(query), order)


def _latest(last: str) -> Period:
    """The hours of the last day, or the last days with this one."""
    now = timezone.now()
    if last == "24h":
        return stats.period(now - timedelta(hours=23), now)
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    return stats.period(today - (int(last[:-1]) - 1) * _DAY, now, "day")


def _days(since: str, through: str) -> Period:
    """From the one day to the end of the other; the same day, or today, where one is missing."""
    first = _day(since or through, "since")
    last = _day(through, "through") if through else max(first, timezone.now().date())
    midnight = datetime.combine(first, time(), UTC)
    try:
        return stats.period(midnight, midnight + (last - first + _DAY))
    except (BadFilter, OverflowError) as error:
        raise BadFilter(
            "These are two days, at most 800 from each other.", field="since"
        ) from error


def _day(given: str, name: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise BadFilter("This is a day, such as 2026-05-04.", field=name) from error


# --- What is shown --------------------------------------------------------------------------------
def _shown(wanted: Wanted) -> dict[str, Any]:
    when, place = wanted.when, wanted.place
    total = stats.total(when, place)
    return {
        "wanted": wanted,
        "lasts": LASTS,
        "orders": ranked.ORDERS,
        "first_day": when.start.date(),
        "last_day": (when.end - timedelta(microseconds=1)).date(),
        "focused": place != TOTAL,
        "entries": links.of_place(when, place),
        "tiles": _tiles(when, place, total),
        "charts": drawn.charts(when, place, stats.series(when, place)),
        "tables": ranked.tables(when, place, wanted.order),
        "live": live.look() if place == TOTAL else None,
        "counted_until": following.read_until(rollup.FOLLOWER),
        "behind": following.behind(rollup.FOLLOWER),
    }


def _tiles(when: Period, place: Place, total: Figures) -> list[Tile]:
    before = stats.total(_before(when), place)

    def tile(title: str, of: Any, spell: Any, note: str = "", tone: str = "", **more: str) -> Tile:
        earlier = f"{spell(of(before))} before" if of(before) else ""
        return Tile(title, spell(of(total)), earlier, note, _link(when, place, **more), tone)

    whole = total.calls + total.calls_refused
    tried = total.calls + total.ended
    unpriced = f"{spelled.count(total.unpriced)} of unknown cost" if total.unpriced else ""
    return [
        tile("Questions", lambda one: one.questions, spelled.count, _answered(total)),
        tile("Calls", lambda one: one.calls, spelled.count, "let through", kind="call.called"),
        tile(
            "Refused",
            ranked.refusals,
            spelled.count,
            _part(total.calls_refused, whole, "calls wanted"),
            "warn",
            outcome="refused",
        ),
        tile(
            "Errors",
            ranked.errors,
            spelled.count,
            _part(ranked.errors(total), tried, "calls and questions"),
            "bad",
            outcome="failed",
        ),
        tile(
            "90 % of calls within",
            lambda one: one.call_latency.p90,
            spelled.duration,
            f"half within {spelled.duration(total.call_latency.p50)}",
            kind="call.called",
        ),
        tile(
            "Tokens", lambda one: one.input_tokens + one.output_tokens, spelled.short, "in and out"
        ),
        tile("Cost", lambda one: one.cost, spelled.dollars, unpriced),
    ]


def _part(part: int, whole: int, words: str) -> str:
    return f"{spelled.share(part, whole)} of {spelled.count(whole)} {words}"


def _link(when: Period, place: Place, **filters: str) -> str:
    kind = "call.called" if place.dimension in ("server", "tool") else "question.ended"
    return links.of_place(when, place, **(filters or {"kind": kind}))


def _answered(total: Figures) -> str:
    return f"{spelled.share(total.answered, total.ended)} answered" if total.ended else ""


def _before(when: Period) -> Period:
    """As long a time before, up to the same hour that this one has reached."""
    length = when.end - when.start
    reached = min(when.end, stats.hour_after(timezone.now()))
    return Period(when.start - length, max(when.start, reached) - length, "hour")
