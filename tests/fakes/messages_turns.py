"""Turns for the fake Messages API, and the stream of events that each of them is.

A turn is a `Turn`, or trouble: `Refuse`, `Hang`, `Pings`.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Block = dict[str, Any]
Body = dict[str, Any]
Event = tuple[str, dict[str, Any]]

USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}
# Where a stream can be cut: inside a text, inside a tool's arguments, after a whole block, and
# after the turn's end was announced but before its last event.
IN_TEXT, IN_TOOL_USE, AFTER_BLOCK, BEFORE_STOP = "text", "tool_use", "after_block", "before_stop"


@dataclass(frozen=True)
class Turn:
    """An answer; `usage` holds what is sent and nothing else, `delay` is in seconds.

    `cut` ends the stream early: abruptly, or `cleanly` as a proxy does. `error` sends an error
    event of that type instead of the rest. `broken` is written instead of the first delta's data,
    and `written` instead of every tool's arguments.
    """

    blocks: tuple[Block, ...]
    stop: str = "end_turn"
    usage: Mapping[str, int] = field(default_factory=lambda: USAGE)
    model: str = ""
    delay: float = 0
    cut: str = ""
    cleanly: bool = False
    error: str = ""
    broken: str = ""
    written: str = ""


@dataclass(frozen=True)
class Refuse:
    """An HTTP answer that is no message."""

    status: int
    body: str = '{"type":"error","error":{"type":"api_error","message":"Internal error"}}'
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True)
class Hang:
    """The request is read and never answered."""


@dataclass(frozen=True)
class Pings:
    """The stream begins, and then there are only pings, for ever."""

    every: float = 0.02
    text: str = ""


Step = Turn | Refuse | Hang | Pings
Script = Sequence[Step] | Callable[[Body], Step]
_ids = itertools.count(1)


def says(text: str, *, thinking: str = "", **values: Any) -> Turn:
    """A turn that is text."""
    return Turn((*_thoughts(thinking), {"type": "text", "text": text}), **values)


def uses(
    *calls: tuple[str, Mapping[str, Any]], text: str = "", thinking: str = "", **values: Any
) -> Turn:
    """A turn that asks for tools, each given as (name, arguments)."""
    said = ({"type": "text", "text": text},) if text else ()
    asked = tuple(
        {"type": "tool_use", "id": f"toolu_{next(_ids):08}", "name": name, "input": dict(arguments)}
        for name, arguments in calls
    )
    return Turn((*_thoughts(thinking), *said, *asked), **{"stop": "tool_use"} | values)


def _thoughts(thinking: str) -> tuple[Block, ...]:
    if not thinking:
        return ()
    return ({"type": "thinking", "thinking": thinking, "signature": "c2lnbmVk"},)


def busy(retry_after: str = "", status: int = 429) -> Refuse:
    """A rate limit, or another refusal that asks to wait."""
    kind = "overloaded_error" if status == 529 else "rate_limit_error"
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "Too many requests"}})
    return Refuse(status, body, {"retry-after": retry_after} if retry_after else {})


def rejects(status: int, kind: str, message: str) -> Refuse:
    """A refusal that will not change by waiting."""
    return Refuse(
        status, json.dumps({"type": "error", "error": {"type": kind, "message": message}})
    )


def message_of(turn: Turn) -> dict[str, Any]:
    return {
        "id": f"msg_{next(_ids):08}",
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "content": list(turn.blocks),
        "stop_reason": turn.stop,
        "stop_sequence": None,
        "usage": dict(turn.usage),
    }


def stream_of(turn: Turn) -> list[tuple[str, Any]]:
    """The events of a turn as far as they shall be sent."""
    events: list[tuple[str, Any]] = list(events_of(turn))
    if turn.broken:
        at = _place(events, "content_block_delta")
        return [*events[:at], (events[at][0], turn.broken)]
    if turn.error:
        at = _place(events, "content_block_delta") + 1
        problem = {"type": turn.error, "message": "Something went wrong"}
        return [*events[:at], ("error", {"type": "error", "error": problem})]
    ends = {
        IN_TEXT: lambda: _place(events, "content_block_delta", "text_delta") + 1,
        IN_TOOL_USE: lambda: _place(events, "content_block_delta", "input_json_delta") + 1,
        AFTER_BLOCK: lambda: len(events) - 2,
        BEFORE_STOP: lambda: len(events) - 1,
    }
    return events[: ends[turn.cut]()] if turn.cut else events


def _place(events: Sequence[Event], name: str, delta: str = "") -> int:
    return next(
        place
        for place, (event, data) in enumerate(events)
        if event == name and (not delta or data["delta"]["type"] == delta)
    )


def events_of(turn: Turn) -> Iterator[Event]:
    """The stream of a whole turn, as the API documents it."""
    begun = {**message_of(turn), "content": [], "stop_reason": None}
    if "output_tokens" in turn.usage:
        begun["usage"] = {**turn.usage, "output_tokens": 1}
    yield "message_start", {"type": "message_start", "message": begun}
    for index, block in enumerate(turn.blocks):
        empty, deltas = _pieces(block, turn.written)
        yield (
            "content_block_start",
            {"type": "content_block_start", "index": index, "content_block": empty},
        )
        for delta in deltas:
            yield (
                "content_block_delta",
                {"type": "content_block_delta", "index": index, "delta": delta},
            )
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": turn.stop, "stop_sequence": None}
    output = {key: value for key, value in turn.usage.items() if key == "output_tokens"}
    yield "message_delta", {"type": "message_delta", "delta": ended, "usage": output}
    yield "message_stop", {"type": "message_stop"}


def _pieces(block: Block, arguments: str) -> tuple[Block, list[dict[str, Any]]]:
    """A block as it starts, and the deltas that fill it."""
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": part} for part in _halves(block["text"])]
        return {**block, "text": ""}, deltas
    if block["type"] == "tool_use":
        written = arguments or json.dumps(block["input"], ensure_ascii=False)
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in _halves(written)]
        return {**block, "input": {}}, deltas
    if block["type"] == "thinking":
        thought = [
            {"type": "thinking_delta", "thinking": part} for part in _halves(block["thinking"])
        ]
        signature = {"type": "signature_delta", "signature": block["signature"]}
        return {**block, "thinking": "", "signature": ""}, [*thought, signature]
    return block, []


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part]
