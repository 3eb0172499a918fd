"""A question as it was recorded: its model's turns, and what each tool use was answered with."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway import fallback
from gateway.llm.base import Reply, Usage, reply_of
from gateway.models import Call, Question
from gateway.reading import READ_RESULT
from gateway.run import step_name


@dataclass(frozen=True)
class Use:
    """One tool use of the recording, and its call; None for a page of a result already read."""

    name: str
    arguments: Mapping[str, Any]
    call: Call | None


@dataclass(frozen=True)
class Recording:
    """A question that has ended, with everything that is needed to run it again."""

    question: Question
    turns: tuple[Reply, ...]
    uses: tuple[Use, ...]
    # What its model took, without tools and waits.
    milliseconds: int


def read(question: Question) -> Recording:
    """The recording of this question."""
    rows = list(question.turns.order_by("number"))
    turns = tuple(
        reply_of(row.content, stop=row.stop, usage=Usage(**row.usage), model=row.model)
        for row in rows
    )
    calls = {call.step: call for call in question.calls.exclude(step="")}
    names: Counter[str] = Counter()
    uses = [
        Use(use.name, use.arguments, _call_of(calls.get(step_name(use.id, names))))
        for turn in turns
        for use in turn.tool_uses
    ]
    return Recording(question, turns, tuple(uses), sum(row.milliseconds for row in rows))


def _call_of(call: Call | None) -> Call | None:
    return call and fallback.last_of(call)


def is_page(use: Use) -> bool:
    """Whether it only turned a page of a result that was too long."""
    return use.name == READ_RESULT.name
