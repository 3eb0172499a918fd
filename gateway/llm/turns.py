"""Put one streamed turn together, strictly: what is not whole is never a turn."""

import json
from typing import Any

from gateway.llm.base import ModelCut, Reply, Stop, Usage, reply_of
from gateway.llm.failures import Transient

_COUNTS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_creation_input_tokens",
}


class Assembly:
    """Takes the SDK's events of one stream in order; `reply` is the whole turn.

    The SDK completes a tool's half-sent arguments so that they look whole. So they are read here,
    as strict JSON from the pieces as they were sent, and a turn without its last event is cut.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._message: Any = None
        self._arguments: dict[int, list[str]] = {}

    def take(self, event: Any) -> str:
        """Note one event; the text that it adds to the answer, or nothing."""
        if event.type == "message_stop":
            self._message = event.message
        elif event.type == "content_block_delta":
            if event.delta.type == "text_delta":
                return str(event.delta.text)
            if event.delta.type == "input_json_delta":
                self._arguments.setdefault(event.index, []).append(event.delta.partial_json)
        return ""

    def reply(self) -> Reply:
        """The turn. Raises Transient when the stream ended before it was whole."""
        message = self._message
        if message is None or message.stop_reason is None:
            raise Transient(ModelCut("The model's answer broke off before it was complete."))
        content = [block.to_dict(warnings=False) for block in message.content]
        for index, pieces in self._arguments.items():
            content[index]["input"] = _read_arguments("".join(pieces))
        if message.stop_reason == Stop.TOOL_USE:
            _check_inputs(content)
        return reply_of(
            content,
            stop=message.stop_reason,
            usage=_usage_of(message.usage),
            model=str(message.model or self._model),
        )


def _read_arguments(text: str) -> Any:
    try:
        return json.loads(text or "{}", object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise Transient(ModelCut("The model asked for a tool with broken arguments.")) from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; refused with a name twice, for policy and server might read different ones."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return values


def _check_inputs(content: list[dict[str, Any]]) -> None:
    for block in content:
        if block.get("type") == "tool_use" and not isinstance(block.get("input"), dict):
            raise Transient(ModelCut("The model asked for a tool without arguments."))


def _usage_of(usage: Any) -> Usage:
    """The counts that were sent. A server may leave some out, and that is not 0."""
    return Usage(**{ours: _count(getattr(usage, theirs, None)) for ours, theirs in _COUNTS.items()})


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
