"""The charts of the dashboard: which figures each draws, in which order and colour."""

from collections.abc import Callable, Sequence
from datetime import datetime

from audit.models import Rollup
from audit.rollup import Place
from audit.stats import Figures, Period
from audit.steps import STEPS, Granularity
from gateway.record import links, spelled
from gateway.record.charts import Chart, Series

Measure = Callable[[Figures], float | None]
Line = tuple[str, str, Measure]

ENDS: list[Line] = [
    ("answered", "good", lambda one: one.answered),
    ("failed", "bad", lambda one: one.failed + one.expired),
    ("refused", "warn", lambda one: one.refused + one.turned_away),
    ("cancelled", "mute", lambda one: one.cancelled),
]
CALLS: list[Line] = [
    ("done", "good", lambda one: one.calls - one.calls_failed - one.calls_unknown),
    ("failed", "bad", lambda one: one.calls_failed + one.calls_unknown),
    ("refused", "warn", lambda one: one.calls_refused),
]
CALL_TIMES: list[Line] = [
    ("half within", "good", lambda one: one.call_latency.p50),
    ("90 % within", "warn", lambda one: one.call_latency.p90),
    ("99 % within", "bad", lambda one: one.call_latency.p99),
]
QUESTION_TIMES: list[Line] = [
    ("half within", "good", lambda one: one.question_latency.p50),
    ("90 % within", "warn", lambda one: one.question_latency.p90),
    ("99 % within", "bad", lambda one: one.question_latency.p99),
]
# Output first: it is the least, and would float on top of the rest.
TOKENS: list[Line] = [
    ("output", "good", lambda one: one.output_tokens),
    ("input", "more", lambda one: one.input_tokens),
    ("cache written", "warn", lambda one: one.cache_write_tokens),
    ("cache read", "mute", lambda one: one.cache_read_tokens),
]
COST: list[Line] = [("cost", "good", lambda one: float(one.cost))]

_COUNTED = (spelled.count, spelled.short)
_TIMED = (spelled.duration, spelled.duration)
_PAID = (spelled.dollars, spelled.dollars)
CHARTS = [
    ("Questions", ENDS, _COUNTED, "question.ended", False),
    ("Calls", CALLS, _COUNTED, "call.called", False),
    ("How long questions took", QUESTION_TIMES, _TIMED, "question.ended", True),
    ("How long calls took", CALL_TIMES, _TIMED, "call.called", True),
    ("Tokens", TOKENS, _COUNTED, "question.ended", False),
    ("Cost (US dollars)", COST, _PAID, "question.ended", False),
]
_OF_CALLS = {Rollup.Dimension.SERVER, Rollup.Dimension.TOOL}


def charts(when: Period, place: Place, series: Sequence[tuple[datetime, Figures]]) -> list[Chart]:
    """The charts that have something to show."""
    labels = [spelled.moment(at, when.granularity) for at, _ in series]
    step = STEPS[Granularity(when.granularity)]
    filters = links.filters_of(place)
    drawn = [
        Chart(
            title,
            [Series(name, tone, [of(one) for _, one in series]) for name, tone, of in lines],
            labels,
            [links.entries(at, at + step, kind=_kind(kind, place), **filters) for at, _ in series],
            *spells,
            is_lines=is_lines,
        )
        for title, lines, spells, kind, is_lines in CHARTS
    ]
    return [chart for chart in drawn if not chart.is_empty]


def _kind(kind: str, place: Place) -> str:
    """A tool's share of a question is found at its calls: the question's end names no tool."""
    return "call.called" if place.dimension in _OF_CALLS else kind
