"""A model that says what it was told to say: for tests, and to replay a recorded question."""

import itertools
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.llm.base import (
    NO_TOKENS,
    Message,
    ModelCancelled,
    ModelError,
    ModelRefused,
    ModelTimedOut,
    Reply,
    Stop,
    ToolSpec,
    Usage,
    ignore,
    reply_of,
)

Line = Reply | ModelError
Script = Sequence[Line | str] | Callable[[Sequence[Message]], Line | str]

_numbers = itertools.count(1)


def says(text: str, *, usage: Usage = NO_TOKENS, stop: str = Stop.END) -> Reply:
    """A reply that is text and nothing else."""
    content = [{"type": "text", "text": text}]
    return reply_of(content, stop=stop, usage=usage, model=ScriptedModel.name)


def uses(
    *calls: tuple[str, Mapping[str, Any]],
    text: str = "",
    usage: Usage = NO_TOKENS,
    stop: str = Stop.TOOL_USE,
) -> Reply:
    """A reply that asks for tools, each given as (name, arguments)."""
    content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    for name, arguments in calls:
        use = {"type": "tool_use", "id": f"toolu_{next(_numbers):06}", "name": name}
        content.append(use | {"input": dict(arguments)})
    return reply_of(content, stop=stop, usage=usage, model=ScriptedModel.name)


@dataclass(frozen=True)
class Heard:
    """What one turn was asked with."""

    system: str
    tools: tuple[ToolSpec, ...]
    messages: tuple[Message, ...]


class ScriptedModel:
    """Takes its turns from a list, or from a function of the messages; `heard` keeps the requests.

    A line is a Reply, a ModelError to raise, or a str to say. After the last line of a list every
    turn is refused.
    """

    name = "scripted"

    def __init__(self, script: Script) -> None:
        self._script = script if callable(script) else list(script)
        self._lock = threading.Lock()
        self.heard: list[Heard] = []

    def turn(
        self,
        *,
        system: str,
        tools: Sequence[ToolSpec],
        messages: Sequence[Message],
        on_delta: Callable[[str], None],
        deadline: float,
        cancelled: Callable[[], bool],
        on_restart: Callable[[], None] = ignore,
    ) -> Reply:
        """Say the next line, word by word."""
        heard = Heard(system=system, tools=tuple(tools), messages=tuple(messages))
        line = self._next(heard)
        for word in re.findall(r"\s*\S+\s*$|\s*\S+|\s+", line.text):
            if cancelled():
                raise ModelCancelled("The question was cancelled.")
            on_delta(word)
        if time.monotonic() >= deadline:
            raise ModelTimedOut("The model did not answer in time.")
        return line

    def _next(self, heard: Heard) -> Reply:
        with self._lock:
            self.heard.append(heard)
            if callable(self._script):
                line = self._script(heard.messages)
            elif len(self.heard) <= len(self._script):
                line = self._script[len(self.heard) - 1]
            else:
                raise ModelRefused("The script has no more lines.")
        if isinstance(line, ModelError):
            raise line
        return says(line) if isinstance(line, str) else line


def replay(turns: Sequence[Mapping[str, Any]]) -> ScriptedModel:
    """A model that repeats recorded turns: mappings of `content`, `stop`, `model` and `usage`."""
    return ScriptedModel(
        [
            reply_of(
                list(turn["content"]),
                stop=turn["stop"],
                usage=Usage(**turn["usage"]),
                model=turn["model"],
            )
            for turn in turns
        ]
    )
