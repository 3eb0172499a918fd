"""Server-sent events, split and checked while they arrive."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from registry.mcp import parsing
from registry.mcp.errors import TooLarge
from registry.mcp.pace import HANDED_SECONDS

# The SDK's legacy client takes no larger event.
LEGACY_LIMIT = 1024 * 1024 - 1024
PROGRESS_BYTES = 4096

Take = Callable[[dict[str, Any]], dict[str, Any]]
Hear = Callable[[dict[str, Any]], None]

_LINE_END = re.compile(rb"\r\n|\n|\r")


class Splitter:
    """Cuts a byte stream into events; holds at most one unfinished event of `limit` bytes."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._lines: list[bytes] = []
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes of an unfinished event are held."""
        return self._size + len(self._rest)

    def feed(self, chunk: bytes) -> Iterator[list[bytes]]:
        """The events this chunk completes, each as its lines. Raises TooLarge."""
        whole = _LINE_END.search(chunk) or self._rest.endswith(b"\r")
        self._rest += chunk
        lines = self._whole_lines() if whole else []
        for line in lines:
            self._size += len(line)
            if line:
                if not line.startswith(b":"):
                    self._lines.append(line)
                continue
            event, self._lines, self._size = self._lines, [], 0
            if event:
                yield event
        if self.size > self._limit:
            raise TooLarge(f"An event of the server is larger than {self._limit:,} bytes.")

    def _whole_lines(self) -> list[bytes]:
        # A carriage return at the very end may be half of a pair: it waits for the next chunk.
        end = len(self._rest) - self._rest.endswith(b"\r")
        *lines, rest = _LINE_END.split(bytes(self._rest[:end]))
        self._rest = bytearray(rest) + self._rest[end:]
        return lines


async def checked(event: list[bytes], take: Take, *, hear: Hear | None = None) -> bytes:
    """The event as it may be passed on: its message parsed strictly, given to `take`, written anew.

    Empty for a notification, which `hear` is given, unless it says progress. An event that is no
    message (the legacy `endpoint`) stays as it is.
    """
    fields = _fields(event)
    data = b"\n".join(value for name, value in fields if name == b"data")
    if message_in(event):
        value = await parsing.parse_aside(data)
        if parsing.message(value) is None:
            if hear is not None:
                hear(value)
            return b""
        data = json.dumps(take(value)).encode()
    kept = [name + b": " + value for name, value in fields if name in (b"event", b"id", b"retry")]
    kept += [b"data: " + line for line in data.split(b"\n")] if data else []
    return b"\n".join(kept) + b"\n\n"


def message_in(event: list[bytes]) -> bytes:
    """The JSON of the message in the event; empty where it holds none."""
    fields = _fields(event)
    data = b"\n".join(value for name, value in fields if name == b"data")
    kinds = [value for name, value in fields if name == b"event"]
    return data if data.strip() and kinds in ([], [b"message"]) else b""


def _fields(event: list[bytes]) -> list[tuple[bytes, bytes]]:
    return [(name, value.removeprefix(b" ")) for name, _, value in map(_parts, event)]


def work_in(passed: bytes, *, seconds: float) -> float:
    """What of this work went into what is no answer: an event that was not passed on, or progress.

    Progress costs more on its way to whoever hears it.
    """
    if not passed:
        return seconds
    is_small = len(passed) <= PROGRESS_BYTES
    return seconds + HANDED_SECONDS if is_small and parsing.PROGRESS.encode() in passed else 0.0


def _parts(line: bytes) -> tuple[bytes, bytes, bytes]:
    return line.partition(b":")
