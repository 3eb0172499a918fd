"""Add the record up by hour, day and week, each sealed entry once, whoever dies in between.

A follower of the record: the sums and the cursor move in one transaction. What was recorded late is
added to the hour, day and week in which it happened.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from audit import following, latency
from audit.errors import PrunedError
from audit.models import Entry, Rollup
from audit.steps import STEPS, Granularity, floor

Kind, Outcome, Dimension = Entry.Kind, Entry.Outcome, Rollup.Dimension

FOLLOWER = "rollup"
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
LATENCIES = ("call_latency", "question_latency")
KEY = ("dimension", "granularity", "start", "name", "within")
MEASURES = tuple(
    one.attname
    for one in Rollup._meta.concrete_fields
    if one.attname not in KEY and not one.primary_key
)
# A rebuild has long batches: each hour is then written a few times and not hundreds.
REBUILD_ENTRIES = 50_000
_CHUNK = 500


class Line(NamedTuple):
    """What counts of an entry."""

    kind: str
    outcome: str
    at: datetime
    person: str
    role: str
    door: str
    server: str
    tool: str
    effect: str
    layer: str
    rule: str
    error_code: str
    question: str
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cost: Decimal | None
    milliseconds: int | None


class Place(NamedTuple):
    """Of what something is counted, within an hour, day or week."""

    dimension: str
    name: str = ""
    within: str = ""


TOTAL = Place(Dimension.TOTAL)


@dataclass
class Sums:
    """What is added to one row."""

    counts: Counter[str] = field(default_factory=Counter)
    cost: Decimal = Decimal(0)
    call_latency: Counter[str] = field(default_factory=Counter)
    question_latency: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Sums") -> None:
        self.counts.update(other.counts)
        self.cost += other.cost
        self.call_latency.update(other.call_latency)
        self.question_latency.update(other.question_latency)


Key = tuple[str, str, datetime, str, str]


# --- Following the record -------------------------------------------------------------------------
def roll_up(most: int = following.ENTRIES_AT_ONCE) -> int:
    """Count what was sealed since the last time; the number of blocks."""
    blocks = 0
    while taken := following.take(FOLLOWER, count, most=most):
        blocks += taken
    return blocks


def rebuild(*, without_pruned: bool = False) -> int:
    """Forget all sums and add the whole record up again; the number of blocks.

    Raises PrunedError where entries were taken away, unless what they added may be forgotten.
    """
    if not without_pruned and Entry.objects.filter(kind=Kind.RECORD_PRUNED).exists():
        raise PrunedError("Entries were pruned; the sums hold them still, and would lose them.")
    with transaction.atomic():
        following.start_again(FOLLOWER)
        Rollup.objects.all().delete()
    return roll_up(REBUILD_ENTRIES)


def count(entries: "QuerySet[Entry]") -> Callable[[], None]:
    """Reckon what these entries add; what it returns adds it to the sums."""
    columns = entries.filter(kind__in=_MEASURED).values_list(*Line._fields)
    lines = [Line(*values) for values in columns.iterator()]
    hours: defaultdict[tuple[datetime, Place], Sums] = defaultdict(Sums)
    for at, place, sums in _counted(lines):
        hours[floor(at, Granularity.HOUR), place].add(sums)
    return partial(_store, hours)


# --- What an entry counts as ----------------------------------------------------------------------
def _counted(lines: list[Line]) -> Iterator[tuple[datetime, Place, Sums]]:
    calls = _calls_of([one.question for one in lines if one.kind == Kind.QUESTION_ENDED])
    for line in lines:
        sums = _MEASURED[line.kind](line)
        for place in _places(line):
            yield line.at, place, sums
        if line.kind == Kind.QUESTION_ENDED:
            for place, share in _shares(sums, calls.get(line.question, Counter())):
                yield line.at, place, share


def _places(line: Line) -> Iterator[Place]:
    yield TOTAL
    named = ((Dimension.ROLE, line.role), (Dimension.PERSON, line.person))
    for dimension, name in (*named, (Dimension.DOOR, line.door)):
        if name:
            yield Place(dimension, name)
    # A tool that nobody knows has been judged by no policy; its name is anything.
    if line.server and line.effect:
        yield Place(Dimension.SERVER, line.server)
        yield Place(Dimension.TOOL, line.tool, line.server)
    if line.kind == Kind.CALL_REFUSED and line.effect == "deny":
        yield Place(Dimension.RULE, line.rule, line.layer)
    elif line.error_code:
        yield Place(Dimension.ERROR, line.error_code)


def _accepted(line: Line) -> Sums:
    return Sums(Counter({"questions": 1}))


def _turned_away(line: Line) -> Sums:
    return Sums(Counter({"turned_away": 1}))


def _ended(line: Line) -> Sums:
    counts = Counter({name: getattr(line, name) or 0 for name in TOKENS})
    counts[_ENDS.get(line.outcome, "failed")] += 1
    counts["unpriced"] += line.cost is None
    counts["question_milliseconds"] += line.milliseconds or 0
    return Sums(counts, line.cost or Decimal(0), question_latency=_timed(line))


def _called(line: Line) -> Sums:
    counts = Counter({"calls": 1, "call_milliseconds": line.milliseconds or 0})
    if line.outcome in (Outcome.FAILED, Outcome.UNKNOWN):
        counts[f"calls_{line.outcome}"] += 1
    return Sums(counts, call_latency=_timed(line))


def _turn(line: Line) -> Sums:
    return Sums(Counter({"turns": 1}))


def _call_refused(line: Line) -> Sums:
    return Sums(Counter({"calls_refused": 1}))


_ENDS: dict[str, str] = {
    Outcome.OK: "answered",
    Outcome.REFUSED: "refused",
    Outcome.CANCELLED: "cancelled",
    Outcome.EXPIRED: "expired",
}
_MEASURED: dict[str, Callable[[Line], Sums]] = {
    Kind.QUESTION_ACCEPTED: _accepted,
    Kind.QUESTION_REFUSED: _turned_away,
    Kind.QUESTION_ENDED: _ended,
    Kind.MODEL_TURN: _turn,
    Kind.CALL_CALLED: _called,
    Kind.CALL_REFUSED: _call_refused,
}


def _timed(line: Line) -> Counter[str]:
    return Counter() if line.milliseconds is None else Counter([latency.bucket(line.milliseconds)])


# --- What a question's calls have of its tokens and cost ------------------------------------------
def _calls_of(questions: list[str]) -> dict[str, Counter[tuple[str, str]]]:
    """How often each of these questions called which tool: on the record before its end was."""
    calls: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    made = Entry.objects.filter(kind=Kind.CALL_CALLED).exclude(question="").order_by()
    for start in range(0, len(questions), _CHUNK):
        some = made.filter(question__in=questions[start : start + _CHUNK])
        for question, server, tool in some.values_list("question", "server", "tool"):
            calls[question][server, tool] += 1
    return calls


def _shares(ended: Sums, calls: Counter[tuple[str, str]]) -> Iterator[tuple[Place, Sums]]:
    """A question's part in each tool it called and in each of their servers."""
    servers: Counter[str] = Counter()
    for (server, tool), number in calls.items():
        servers[server] += number
        yield Place(Dimension.TOOL, tool, server), _share(ended, number, of=calls.total())
    for server, number in servers.items():
        yield Place(Dimension.SERVER, server), _share(ended, number, of=calls.total())


def _share(ended: Sums, number: int, *, of: int) -> Sums:
    counts = Counter({name: ended.counts[name] * number // of for name in TOKENS})
    counts["questions"] = 1
    counts["unpriced"] = ended.counts["unpriced"]
    return Sums(counts, (ended.cost * number / of).quantize(Decimal("1e-8")))


# --- Writing --------------------------------------------------------------------------------------
def _store(hours: Mapping[tuple[datetime, Place], Sums]) -> None:
    """Add to the rows there are, and make the others; whoever follows is alone in doing so."""
    added: defaultdict[Key, Sums] = defaultdict(Sums)
    for (hour, place), sums in hours.items():
        for granularity in STEPS:
            start = floor(hour, granularity)
            added[place.dimension, granularity, start, place.name, place.within].add(sums)
    rows = _rows(added)
    for key, sums in added.items():
        _add(rows.setdefault(key, Rollup(**dict(zip(KEY, key, strict=True)))), sums)
    Rollup.objects.bulk_create(
        rows.values(),
        batch_size=_CHUNK,
        update_conflicts=True,
        unique_fields=KEY,
        update_fields=MEASURES,
    )


def _rows(keys: Iterable[Key]) -> dict[Key, Rollup]:
    """The rows there are of these: one query a dimension, which may find a few others besides."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    starts: defaultdict[str, set[datetime]] = defaultdict(set)
    wanted = set(keys)
    for dimension, _, start, name, _ in wanted:
        names[dimension].add(name)
        starts[dimension].add(start)
    found: dict[Key, Rollup] = {}
    for dimension, some in names.items():
        rows = Rollup.objects.filter(dimension=dimension, start__in=starts[dimension])
        for row in rows.filter(name__in=some):
            found[dimension, row.granularity, row.start, row.name, row.within] = row
    return {key: found[key] for key in wanted & found.keys()}


def _add(row: Any, sums: Sums) -> None:
    for name, number in sums.counts.items():
        setattr(row, name, getattr(row, name) + number)
    row.cost += sums.cost
    for name in LATENCIES:
        latency.add(getattr(row, name), getattr(sums, name))
