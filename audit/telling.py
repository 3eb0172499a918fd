"""One entry told in sections, for its page: what happened, who, the call, the decision, changes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from audit.explorer import DECIDED, OUTCOMES, Places
from audit.models import Entry

_TOKENS = (
    ("in", "input_tokens"),
    ("out", "output_tokens"),
    ("cache read", "cache_read_tokens"),
    ("cache write", "cache_write_tokens"),
)


@dataclass(frozen=True)
class Fact:
    """One thing said: short text, perhaps with a way to go or a colour; or long text."""

    label: str
    text: str
    address: str = ""
    colour: str = ""
    is_long: bool = False


@dataclass(frozen=True)
class Section:
    """Facts under one title; nobody needs those of a quiet one to understand what happened."""

    title: str
    facts: tuple[Fact, ...]
    is_quiet: bool = False


@dataclass(frozen=True)
class Change:
    """One field before and after."""

    name: str
    before: str
    after: str


def sections(entry: Entry, places: Places) -> list[Section]:
    """All that the entry says; what it says nothing of is left out."""
    parts = (
        Section("What happened", tuple(_happened(entry))),
        Section("Who", tuple(_who(entry, places))),
        Section("The call", tuple(_call(entry, places))),
        Section("The decision", tuple(_decision(entry, places))),
        Section("More", tuple(_more(entry))),
        Section("What the decision rested on", tuple(_rested_on(entry)), is_quiet=True),
        Section("Seal", tuple(_seal(entry)), is_quiet=True),
    )
    return [part for part in parts if part.facts]


def changes(entry: Entry) -> list[Change]:
    """What an administrator changed, field by field, as far as values are recorded."""
    detail = entry.detail if isinstance(entry.detail, dict) else {}
    values = detail.get("values")
    if not isinstance(values, dict):
        return []
    return [
        Change(str(name), _plain(pair[0]), _plain(pair[1]))
        for name, pair in values.items()
        if isinstance(pair, list) and len(pair) == 2
    ]


def _happened(entry: Entry) -> Iterator[Fact]:
    yield Fact("When", f"{entry.at:%Y-%m-%d %H:%M:%S.%f} UTC")
    yield Fact("What", entry.kind)
    yield Fact("Outcome", entry.outcome, colour=OUTCOMES.get(entry.outcome, "plain"))
    if entry.milliseconds is not None:
        yield Fact("Took", f"{entry.milliseconds:,} ms")
    if entry.cost is not None:
        yield Fact("Cost", f"${entry.cost:f}")
    tokens = [(words, getattr(entry, column)) for words, column in _TOKENS]
    counted = [f"{count:,} {words}" for words, count in tokens if count is not None]
    if counted:
        yield Fact("Tokens", ", ".join(counted))
    yield from _texts(entry, {"Error": "error_code", "Error id": "error_id"})
    if entry.erased_by:
        yield Fact("Erased", f"in part; entry {entry.erased_by} says what, and why")


def _who(entry: Entry, places: Places) -> Iterator[Fact]:
    if entry.person:
        yield Fact("Person", entry.person, _only(places, person=entry.person))
    names = {"Role": "role", "Door": "door", "Address": "address", "API key": "api_key"}
    yield from _texts(entry, names)
    yield from _texts(entry, {"Channel": "channel", "Thread": "thread", "Program": "user_agent"})


def _call(entry: Entry, places: Places) -> Iterator[Fact]:
    if entry.server:
        yield Fact("Server", entry.server, _only(places, server=entry.server))
    if entry.tool:
        yield Fact("Tool", entry.tool, _only(places, server=entry.server, tool=entry.tool))
    if entry.question:
        yield Fact("Question", entry.question, places.question.format(entry.question))
    if entry.call:
        yield Fact("Call", entry.call, _only(places, call=entry.call))
    yield from _json("Arguments (redacted)", entry.arguments)
    if entry.preview:
        yield Fact("Result (its beginning, redacted)", entry.preview, is_long=True)


def _decision(entry: Entry, places: Places) -> Iterator[Fact]:
    if entry.effect:
        yield Fact("Effect", entry.effect, colour=DECIDED.get(entry.effect, "plain"))
    yield from _texts(entry, {"Layer": "layer", "Rule": "rule", "Reason": "reason"})
    if entry.decision_id:
        yield Fact("Decision", entry.decision_id, _only(places, decision=entry.decision_id))
    yield from _texts(entry, {"Policy version": "policy_version"})


def _more(entry: Entry) -> Iterator[Fact]:
    yield from _json("Detail", entry.detail)


def _rested_on(entry: Entry) -> Iterator[Fact]:
    yield from _json("Whole decision", entry.decision)
    yield from _json("Who asked and for what, as the policy saw them", entry.inputs)


def _seal(entry: Entry) -> Iterator[Fact]:
    names = {"Digest": "digest", "Arguments' digest": "arguments_digest"}
    yield from _texts(entry, names)
    yield from _texts(
        entry, {"Result's digest": "result_digest", "Tool's fingerprint": "fingerprint"}
    )


def _texts(entry: Entry, names: Mapping[str, str]) -> Iterator[Fact]:
    for label, column in names.items():
        if text := getattr(entry, column):
            yield Fact(label, text)


def _json(label: str, value: Any) -> Iterator[Fact]:
    if value is not None:
        yield Fact(label, json.dumps(value, indent=2, ensure_ascii=False), is_long=True)


def _only(places: Places, **given: str) -> str:
    return f"{places.entries}?{urlencode(given)}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
