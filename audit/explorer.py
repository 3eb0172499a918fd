"""The record as a page: the form of its filters, the entries they leave, ways to others.

The address is the whole state of the page, so a link to it is a search that was saved. The same
parts make the explorer of those who may read the record, and everybody's own history.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet

from audit import pages
from audit.errors import BadFilter
from audit.filters import EFFECTS, FILTERS
from audit.models import Entry

# What a list shows of an entry, or needs to; the long columns are not read.
SHOWN = (
    *("id", "at", "kind", "outcome", "person", "door", "server", "tool", "effect", "rule"),
    *("milliseconds", "cost", "error_code", "question"),
)
OUTCOMES: dict[str, str] = {
    Entry.Outcome.OK: "good",
    Entry.Outcome.PENDING: "plain",
    Entry.Outcome.REFUSED: "bad",
    Entry.Outcome.FAILED: "bad",
    Entry.Outcome.UNKNOWN: "odd",
    Entry.Outcome.CANCELLED: "odd",
    Entry.Outcome.EXPIRED: "odd",
}
DECIDED = {"allow": "good", "deny": "bad", "ask": "odd"}
# Those that stand in sight; all others open with a click.
FIRST = ("text", "person", "server", "tool", "kind", "outcome", "from", "to")
_CHOICES: dict[str, Sequence[str]] = {
    "kind": Entry.Kind.values,
    "outcome": Entry.Outcome.values,
    "effect": EFFECTS,
}
_PERIODS = (("Last hour", "1h"), ("24 hours", "24h"), ("7 days", "7d"), ("30 days", "30d"))


@dataclass(frozen=True)
class Places:
    """Where the pages are: the list, and as `{}` formats one entry and one question."""

    entries: str
    entry: str
    question: str


@dataclass(frozen=True)
class Field:
    """One filter in the form."""

    name: str
    value: str
    words: str
    choices: Sequence[str]

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Row:
    """One entry in the list, and the ways from it."""

    entry: Entry
    address: str
    # The whole question that it belongs to; empty for none.
    question: str
    # The same list, narrowed to this entry's person, server or tool.
    narrowed: Mapping[str, str]

    @property
    def outcome(self) -> str:
        return OUTCOMES.get(self.entry.outcome, "plain")

    @property
    def decided(self) -> str:
        return DECIDED.get(self.entry.effect, "plain")


def page(
    entries: "QuerySet[Entry]",
    query: Mapping[str, str],
    *,
    places: Places,
    without: Iterable[str] = (),
) -> dict[str, Any]:
    """What the templates in `record/` show; `fault` is set where a filter is wrong."""
    given = {name: str(query[name]).strip() for name in FILTERS if query.get(name)}
    fault, found = "", pages.Page([], "", "")
    try:
        found = pages.asked(entries.only(*SHOWN), query, without=without)[0]
    except BadFilter as error:
        fault = f"{error.field}: {error}"
    more = {"limit": str(query["limit"])} if query.get("limit") else {}
    return {
        "fault": fault,
        "rows": [_row(entry, given, places) for entry in found.entries],
        "fields": [_field(name, given) for name in FIRST if name not in without],
        "more_fields": [_field(name, given) for name in _later(without)],
        "is_more": any(name in given for name in _later(without)),
        "chips": list(_chips(given, places)),
        "periods": list(_periods(given, places)),
        "places": places,
        "query": urlencode(given),
        "older": _to(places, given | more, before=found.older) if found.older else "",
        "newer": _to(places, given | more, after=found.newer) if found.newer else "",
        "newest": _to(places, given | more) if query.get("before") or query.get("after") else "",
    }


def _later(without: Iterable[str]) -> list[str]:
    return [name for name in FILTERS if name not in FIRST and name not in without]


def _field(name: str, given: Mapping[str, str]) -> Field:
    return Field(name, given.get(name, ""), FILTERS[name].words, _CHOICES.get(name, ()))


def _row(entry: Entry, given: Mapping[str, str], places: Places) -> Row:
    ways = {
        name: _to(places, {**given, name: getattr(entry, name)})
        for name in ("person", "server", "tool")
        if getattr(entry, name)
    }
    question = places.question.format(entry.question) if entry.question else ""
    return Row(entry, places.entry.format(entry.pk), question, ways)


def _chips(given: Mapping[str, str], places: Places) -> Iterator[tuple[str, str, str]]:
    """Each filter that is on: its name, its value, the page without it."""
    for name, value in given.items():
        rest = {other: text for other, text in given.items() if other != name}
        yield name.replace("_", " "), value, _to(places, rest)


def _periods(given: Mapping[str, str], places: Places) -> Iterator[tuple[str, str, bool]]:
    """Usual periods: in words, the page of it, and whether it is this one."""
    rest = {name: text for name, text in given.items() if name not in ("from", "to")}
    for words, ago in _PERIODS:
        yield words, _to(places, {**rest, "from": ago}), given.get("from") == ago
    yield "All", _to(places, rest), "from" not in given


def _to(places: Places, given: Mapping[str, str], **more: str) -> str:
    query = urlencode({**given, **more})
    return f"{places.entries}?{query}" if query else places.entries
