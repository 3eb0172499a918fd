"""The tables of the dashboard: who and what comes first, with a bar and a way to the entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit import stats
from audit.rollup import Place
from audit.stats import Figures, Period
from gateway.record import links, spelled

SHOWN = 8
ORDERS = {
    "calls": "calls",
    "questions": "questions",
    "cost": "cost",
    "tokens": "tokens",
    "failed": "errors",
    "refused": "refusals",
    "slow": "time a call takes",
}
Column = tuple[str, Callable[[Figures], str]]

MUCH: list[Column] = [
    ("Questions", lambda one: spelled.count(one.questions)),
    ("Calls", lambda one: spelled.count(one.calls)),
    ("Errors", lambda one: spelled.count(errors(one))),
    ("Refused", lambda one: spelled.count(refusals(one))),
    ("90 % within", lambda one: spelled.duration(one.call_latency.p90)),
    ("Tokens", lambda one: spelled.short(one.input_tokens + one.output_tokens)),
    ("Cost", lambda one: spelled.dollars(one.cost)),
]
TIMES: list[Column] = [
    ("Calls", lambda one: spelled.count(one.calls)),
    ("Mean", lambda one: spelled.duration(one.call_latency.mean)),
    ("Half within", lambda one: spelled.duration(one.call_latency.p50)),
    ("90 % within", lambda one: spelled.duration(one.call_latency.p90)),
    ("99 % within", lambda one: spelled.duration(one.call_latency.p99)),
]
REFUSED: list[Column] = [("Refused calls", lambda one: spelled.count(one.calls_refused))]
FAILED: list[Column] = [("Errors", lambda one: spelled.count(errors(one)))]

WEIGHTS: dict[str, Callable[[Figures], float]] = {
    "calls": lambda one: one.calls,
    "questions": lambda one: one.questions,
    "cost": lambda one: float(one.cost),
    "tokens": lambda one: one.input_tokens + one.output_tokens,
    "failed": lambda one: errors(one),
    "refused": lambda one: refusals(one),
    "slow": lambda one: one.call_latency.mean or 0,
}


def errors(one: Figures) -> int:
    """Calls and questions that went wrong."""
    return one.calls_failed + one.calls_unknown + one.failed + one.expired


def refusals(one: Figures) -> int:
    """Calls and questions that were not let through."""
    return one.calls_refused + one.refused + one.turned_away


@dataclass(frozen=True)
class Row:
    """One name with its figures; `part` is the length of its bar, of a hundred."""

    place: Place
    part: float
    cells: list[str]
    link: str


@dataclass(frozen=True)
class Table:
    """Names in order; `focus` is whether the dashboard can be had of one of them alone."""

    title: str
    heads: list[str]
    rows: list[Row]
    focus: bool


def tables(when: Period, place: Place, order: str) -> list[Table]:
    """The tables for everything; of a server alone its tools; of anything else none."""
    if place.dimension == "server":
        return [_table(when, "Tools", "tool", order=order, columns=MUCH, within=place.name)]
    if place.dimension != "total":
        return []
    much = (("Tools", "tool"), ("Servers", "server"), ("People", "person"), ("Roles", "role"))
    found = [_table(when, title, one, order=order, columns=MUCH) for title, one in much]
    found += [
        _table(when, "Slow servers", "server", order="slow", columns=TIMES),
        _table(when, "Rules that refused most", "rule", order="refused", columns=REFUSED),
        _table(when, "Errors", "error", order="failed", columns=FAILED),
    ]
    return [table for table in found if table.rows]


def _table(
    when: Period,
    title: str,
    dimension: str,
    *,
    order: str,
    columns: Sequence[Column],
    within: str = "",
) -> Table:
    ranked = stats.ranking(
        when, dimension, order=order, limit=SHOWN, within=within, timed=("call_latency",)
    )
    weigh = WEIGHTS[order]
    most = max((weigh(one) for _, one in ranked), default=0) or 1
    kind = {"kind": "call.refused"} if dimension == "rule" else {}
    rows = [
        Row(
            place,
            round(100 * weigh(one) / most, 1),
            [spell(one) for _, spell in columns],
            links.of_place(when, place, **kind),
        )
        for place, one in ranked
    ]
    return Table(title, [head for head, _ in columns], rows, dimension not in ("rule", "error"))
