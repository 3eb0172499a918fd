"""What a replay did otherwise than its recording: answer, calls, refusals, turns, tokens, cost."""

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from gateway.replay.desk import Answered, Outcome, key_of
from gateway.replay.playing import Attempt

MOST_LINES = 200
_NEVER_MADE = (Outcome.REFUSED, Outcome.UNKNOWN_TOOL)


class Status(StrEnum):
    """How a call of one side stands to those of the other."""

    SAME = "same"
    CHANGED = "changed"  # the same tool with other arguments
    NEW = "new"
    MISSING = "missing"


@dataclass(frozen=True)
class CallPair:
    """A call of the replay, of the recording, or of both; `outcome` is what the replay got."""

    status: Status
    tool: str
    recorded: Mapping[str, Any] | None
    replayed: Mapping[str, Any] | None
    outcome: str = ""
    rule: str = ""


@dataclass(frozen=True)
class Comparison:
    """Both sides, and what differs."""

    recorded: Attempt
    replayed: Attempt
    calls: tuple[CallPair, ...]

    @property
    def same_answer(self) -> bool:
        return (self.recorded.state, self.recorded.answer) == (
            self.replayed.state,
            self.replayed.answer,
        )

    @property
    def same(self) -> bool:
        """Whether the answer, the calls and what became of them are the same."""
        return self.same_answer and not self.divergences

    @property
    def divergences(self) -> int:
        """How many calls were not made alike, or got something else than was recorded."""
        return sum(
            1 for pair in self.calls if pair.status != Status.SAME or pair.outcome in _DIVERGING
        )

    def count(self, *values: str) -> int:
        """How many calls have one of these statuses or outcomes."""
        return sum(1 for pair in self.calls if pair.status in values or pair.outcome in values)

    def difference(self) -> list[str]:
        """The answers, line against line; empty where they are the same."""
        lines = difflib.unified_diff(
            self.recorded.answer.splitlines(),
            self.replayed.answer.splitlines(),
            "recorded",
            "replayed",
            lineterm="",
        )
        return list(lines)[:MOST_LINES]

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "same": self.same,
            "answer": {
                "same": self.same_answer,
                "recorded": self.recorded.answer,
                "replayed": self.replayed.answer,
                "difference": self.difference(),
            },
            "calls": [asdict(pair) for pair in self.calls],
            "counts": self.counts(),
            "recorded": side(self.recorded),
            "replayed": side(self.replayed),
        }

    def counts(self) -> dict[str, int]:
        """How many calls there are of each status, and of each outcome that diverges."""
        words = (*Status, *_DIVERGING)
        return {str(word): self.count(word) for word in words}


_DIVERGING = (
    Outcome.NOT_RECORDED,
    Outcome.REPEATED,
    Outcome.REFUSED,
    Outcome.BAD_ARGUMENTS,
    Outcome.UNKNOWN_TOOL,
)


def compare(recorded: Attempt, replayed: Attempt) -> Comparison:
    """Put the calls of both sides beside each other, in the order of the replay."""
    left = list(recorded.answered)
    same = [_take(left, _key(call), by=_key) for call in replayed.answered]
    pairs = []
    for call, then in zip(replayed.answered, same, strict=True):
        status = Status.SAME
        if then is None:
            then = _take(left, call.name, by=_name)
            status = Status.CHANGED if then else Status.NEW
        before = then.arguments if then else None
        outcome = _outcome(call, then)
        pairs.append(CallPair(status, call.name, before, call.arguments, outcome, call.rule))
    missing = [CallPair(Status.MISSING, one.name, one.arguments, None) for one in left]
    return Comparison(recorded, replayed, (*pairs, *missing))


def _take(left: list[Answered], wanted: str, *, by: Callable[[Answered], str]) -> Answered | None:
    """The first that is wanted, taken out of what is left."""
    found = next((one for one in left if by(one) == wanted), None)
    if found is not None:
        left.remove(found)
    return found


def _name(one: Answered) -> str:
    return one.name


def _key(one: Answered) -> str:
    return key_of(one.name, one.arguments)


def _outcome(call: Answered, then: Answered | None) -> str:
    """What the replay got; a refusal that was one already is as it was recorded."""
    refused_then = then is not None and then.outcome is Outcome.REFUSED
    return Outcome.RECORDED if refused_then and call.outcome is Outcome.REFUSED else call.outcome


def refusals(attempt: Attempt) -> int:
    """How many of its calls were refused."""
    return sum(1 for one in attempt.answered if one.outcome in _NEVER_MADE)


def side(attempt: Attempt) -> dict[str, Any]:
    """One side in figures."""
    usage = attempt.usage
    return {
        "state": attempt.state,
        "warning": attempt.warning or None,
        "error_code": attempt.error_code or None,
        "model": attempt.model,
        "turns": attempt.turns,
        "calls": len(attempt.answered),
        "refusals": refusals(attempt),
        "tokens": {name: count or 0 for name, count in vars(usage).items()},
        "cost_usd": None if attempt.cost is None else f"{attempt.cost:f}",
        "milliseconds": attempt.milliseconds,
    }


def lines(found: Comparison) -> Iterator[str]:
    """The comparison in plain lines, for a terminal."""
    yield "the same answer" if found.same_answer else "another answer:"
    yield from (f"  {line}" for line in found.difference())
    for pair in found.calls:
        yield f"{pair.status:8} {pair.tool} {_arguments(pair)}{_remark(pair)}"
    for name, (before, after) in _figures(found).items():
        yield f"{name:13} {before} → {after}" + ("" if before == after else "  *")


def _arguments(pair: CallPair) -> str:
    shown = [one for one in (pair.recorded, pair.replayed) if one is not None]
    if pair.status is Status.SAME:
        shown = shown[:1]
    return " → ".join(json.dumps(one, ensure_ascii=False, sort_keys=True) for one in shown)


def _remark(pair: CallPair) -> str:
    if pair.outcome in ("", Outcome.RECORDED, Outcome.PAGE):
        return ""
    return f"  ({pair.outcome.replace('_', ' ')}{f', {pair.rule}' if pair.rule else ''})"


def _figures(found: Comparison) -> dict[str, Sequence[Any]]:
    before, after = side(found.recorded), side(found.replayed)
    names = ("state", "model", "turns", "refusals", "cost_usd", "milliseconds")
    figures = {name: (before[name], after[name]) for name in names}
    tokens = (sum(before["tokens"].values()), sum(after["tokens"].values()))
    return {**figures, "tokens": tokens}
