"""One question as a story, told from its entries alone: turns, calls, waits, what was not offered.

The rows that a question was worked on with may be gone; the record tells the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from audit.models import Entry

# So many entries of one question are read; no question that ends has as many.
MOST_ENTRIES = 2000
Kind = Entry.Kind

_DECIDED = {Kind.APPROVAL_GIVEN, Kind.APPROVAL_REFUSED, Kind.APPROVAL_EXPIRED}
_FRAME = {Kind.QUESTION_ACCEPTED, Kind.QUESTION_ENDED}


class Sort(StrEnum):
    """What a step is."""

    QUEUED = "queued"
    TURN = "turn"
    CALL = "call"
    WAIT = "wait"
    REFUSED = "refused"
    EVENT = "event"


@dataclass(frozen=True)
class Step:
    """Something that took its time, or happened at a moment; `ended` is None while it goes on.

    `entries` are the keys of what it was read from. `said` holds more, by name.
    """

    sort: Sort
    label: str
    began: datetime
    ended: datetime | None
    outcome: str = ""
    entries: tuple[int, ...] = ()
    server: str = ""
    tool: str = ""
    cost: Decimal | None = None
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def milliseconds(self) -> int | None:
        return None if self.ended is None else round((self.ended - self.began) / _MILLISECOND)


@dataclass(frozen=True)
class Withheld:
    """Tools that a turn did not offer, for one reason; `tools` names some of them."""

    turn: int
    why: str
    count: int
    layer: str = ""
    rule: str = ""
    tools: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trace:
    """A question with all that became of it, in the order in which it began."""

    question: str
    asked: Entry
    end: Entry | None
    steps: tuple[Step, ...]
    withheld: tuple[Withheld, ...]

    @property
    def person(self) -> str:
        return self.asked.person

    @property
    def text(self) -> str:
        return str(_detail(self.asked).get("question", ""))

    @property
    def outcome(self) -> str:
        return self.end.outcome if self.end else Entry.Outcome.PENDING

    @property
    def parts(self) -> dict[str, int]:
        """Milliseconds of each part, as far as the end tells them."""
        parts = _map(_detail(self.end).get("milliseconds"))
        return {name: took for name, took in parts.items() if isinstance(took, int)}


_MILLISECOND = timedelta(milliseconds=1)


def trace(entries: Iterable[Entry]) -> Trace | None:
    """The story of one question, from its entries in any order; None where it was not accepted."""
    told = sorted(entries, key=lambda entry: (entry.at, entry.pk))
    asked = next((one for one in told if one.kind == Kind.QUESTION_ACCEPTED), None)
    if asked is None:
        return None
    end = next((one for one in reversed(told) if one.kind == Kind.QUESTION_ENDED), None)
    until = end.at if end else None
    steps = [*_turns(told), *_calls(told, until), *_waits(told, until), *_events(told)]
    steps += _queued(asked, end)
    return Trace(
        question=asked.question,
        asked=asked,
        end=end,
        steps=tuple(sorted(steps, key=lambda step: (step.began, step.entries))),
        withheld=tuple(_withheld(told)),
    )


def _queued(asked: Entry, end: Entry | None) -> list[Step]:
    took = _map(_detail(end).get("milliseconds")).get("queued")
    if not isinstance(took, int) or took <= 0:
        return []
    label = "waits for a worker"
    return [Step(Sort.QUEUED, label, asked.at, asked.at + took * _MILLISECOND, entries=(asked.pk,))]


def _turns(told: Sequence[Entry]) -> Iterator[Step]:
    turns = [entry for entry in told if entry.kind == Kind.MODEL_TURN]
    for number, entry in enumerate(turns, 1):
        detail = _detail(entry)
        yield Step(
            Sort.TURN,
            f"turn {detail.get('turn', number)}",
            entry.at - (entry.milliseconds or 0) * _MILLISECOND,
            entry.at,
            entry.outcome,
            (entry.pk,),
            cost=entry.cost,
            said=_given(
                model=detail.get("model"),
                asked_for=detail.get("asked_for"),
                offered=detail.get("offered"),
                down=detail.get("down"),
                stop=detail.get("stop"),
                input_tokens=entry.input_tokens,
                output_tokens=entry.output_tokens,
            ),
        )


def _calls(told: Sequence[Entry], until: datetime | None) -> Iterator[Step]:
    """Each call once: its pair, or the first of it with nothing after, whose outcome is unknown."""
    ends = {one.call: one for one in told if one.kind == Kind.CALL_CALLED}
    settled = {one.call: one for one in told if one.kind == Kind.CALL_SETTLED}
    for entry in told:
        if entry.kind == Kind.CALL_CALLING:
            end, word = ends.get(entry.call), settled.get(entry.call)
            yield Step(
                Sort.CALL,
                _name(entry),
                entry.at,
                end.at if end else until,
                _outcome(end, until),
                tuple(one.pk for one in (entry, end, word) if one),
                entry.server,
                entry.tool,
                cost=end.cost if end else None,
                said=_decision(entry)
                | _given(
                    arguments=entry.arguments,
                    result=end.preview if end else "",
                    error_code=end.error_code if end else "",
                    settled=_detail(word).get("settled"),
                ),
            )


def _outcome(end: Entry | None, until: datetime | None) -> str:
    if end:
        return end.outcome
    return Entry.Outcome.UNKNOWN if until else Entry.Outcome.PENDING


def _waits(told: Sequence[Entry], until: datetime | None) -> Iterator[Step]:
    """Each approval from when it was asked until it was decided, or the question ended."""
    decided: dict[str, list[Entry]] = {}
    for entry in told:
        if entry.kind in _DECIDED:
            decided.setdefault(_approval(entry), []).append(entry)
    for entry in told:
        if entry.kind == Kind.APPROVAL_ASKED:
            after = decided.get(_approval(entry)) or []
            end = after.pop(0) if after else None
            yield Step(
                Sort.WAIT,
                f"waits for a yes to {_name(entry)}",
                entry.at,
                end.at if end else until,
                end.outcome if end else Entry.Outcome.PENDING,
                tuple(one.pk for one in (entry, end) if one),
                entry.server,
                entry.tool,
                said=_decision(entry)
                | _given(
                    decided_by=end.person if end else "",
                    decision=end.kind if end else "",
                    arguments=entry.arguments,
                ),
            )


def _events(told: Sequence[Entry]) -> Iterator[Step]:
    """What happened at a moment: refusals, limits, a cancellation."""
    paired = {Kind.MODEL_TURN, Kind.CALL_CALLING, Kind.CALL_CALLED, Kind.CALL_SETTLED}
    for entry in told:
        if entry.kind in paired | _FRAME | _DECIDED | {Kind.APPROVAL_ASKED}:
            continue
        refused = entry.kind == Kind.CALL_REFUSED
        yield Step(
            Sort.REFUSED if refused else Sort.EVENT,
            f"refused: {_name(entry)}" if refused else entry.kind,
            entry.at,
            entry.at,
            entry.outcome,
            (entry.pk,),
            entry.server,
            entry.tool,
            said=_decision(entry) | _given(error_code=entry.error_code, arguments=entry.arguments),
        )


def _withheld(told: Sequence[Entry]) -> Iterator[Withheld]:
    for entry in told:
        detail = _detail(entry)
        reasons = detail.get("withheld") if entry.kind == Kind.MODEL_TURN else None
        for one in map(_map, reasons if isinstance(reasons, list) else ()):
            yield Withheld(
                turn=int(detail.get("turn") or 0),
                why=str(one.get("why", "")),
                count=int(one.get("count") or 0),
                layer=str(one.get("layer", "")),
                rule=str(one.get("rule", "")),
                tools=tuple(map(str, one.get("tools") or ())),
            )


def _decision(entry: Entry) -> dict[str, Any]:
    names = ("effect", "layer", "rule", "reason", "decision_id")
    return _given(**{name: getattr(entry, name) for name in names})


def _given(**facts: Any) -> dict[str, Any]:
    """Those of the facts that say something."""
    return {name: fact for name, fact in facts.items() if fact not in (None, "", [], {})}


def _approval(entry: Entry) -> str:
    return str(_detail(entry).get("approval") or _name(entry))


def _name(entry: Entry) -> str:
    return " · ".join(part for part in (entry.server, entry.tool) if part)


def _detail(entry: Entry | None) -> Mapping[str, Any]:
    """An entry's detail; of one that was cut short for its length, nothing."""
    detail = _map(entry.detail) if entry else {}
    return {} if detail.get("cut") else detail


def _map(value: Any) -> Mapping[str, Any]:
    """The value, where it is an object of JSON; recorded details are not trusted to be one."""
    return value if isinstance(value, dict) else {}
