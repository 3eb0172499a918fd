"""One worker's work on one question: what its turns and tool uses share."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from gateway import progress
from gateway.asker import Asker
from gateway.llm.base import Model, ToolUse
from gateway.models import Question
from gateway.spending import Spending


@dataclass
class Run:
    """One worker's work on one question. `stop` is set when the question was cancelled or lost."""

    question: Question
    asker: Asker
    model: Model
    stop: Event
    check: Callable[[], None]
    spending: Spending = field(init=False)
    messages: list[dict[str, Any]] = field(default_factory=list)
    # In which turn it was last written down what the model is not offered, and what that was.
    withheld: tuple[int, list[dict[str, Any]]] | None = None
    _ids: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.spending = Spending(self.question)

    def show(self, kind: str, **data: Any) -> None:
        progress.publish(self.question.pk, kind, **data)

    def step_of(self, use: ToolUse) -> str:
        """What the journal calls this tool use: the model's id, numbered where it is not unique.

        Some servers of the Messages API count anew in every turn, or give no ids at all. Turns are
        replayed in their order, so a use has the same name again.
        """
        return step_name(use.id, self._ids)


def step_name(use_id: str, seen: Counter[str]) -> str:
    """The name of a tool use of this id, after those that were `seen`, which counts it."""
    name = use_id[:100]
    seen[name] += 1
    return name if name and seen[name] == 1 else f"{name}#{seen[name]}"
