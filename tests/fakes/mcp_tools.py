"""The tools of the fake MCP servers: what they say of themselves, and what they do."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

READ_ONLY = {"readOnlyHint": True}

# What a tool gets: the arguments and the request's headers (empty over stdio).
Run = Callable[[dict[str, Any], dict[str, str]], Any]


@dataclass
class FakeTool:
    """One tool: what the server says of it, and what it does.

    `run` returns text, a list of content blocks, a dict (sent as structured content and as JSON
    text) or an awaitable of one of these; an exception becomes a result with `isError`.
    """

    name: str
    run: Run
    description: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    annotations: dict[str, Any] | None = None
    required: tuple[str, ...] | None = None

    def definition(self) -> dict[str, Any]:
        """The tool as it stands in tools/list."""
        required = list(self.properties) if self.required is None else list(self.required)
        schema = {"type": "object", "properties": self.properties, "required": required}
        found = {"name": self.name, "description": self.description, "inputSchema": schema}
        return found if self.annotations is None else {**found, "annotations": self.annotations}


async def _slow(arguments: dict[str, Any], headers: dict[str, str]) -> str:
    await asyncio.sleep(arguments["seconds"])
    return f"slept {arguments['seconds']} s"


def _fail(arguments: dict[str, Any], headers: dict[str, str]) -> str:
    raise ValueError("this tool always fails")


def default_tools() -> list[FakeTool]:
    """The set that most tests need: reading, writing, destroying, failing, slow and big."""
    text = {"text": {"type": "string", "description": "Any text."}}
    number = {"type": "number"}
    return [
        FakeTool("echo", lambda a, h: a["text"], "Give back the text.", text, READ_ONLY),
        FakeTool(
            "add",
            lambda a, h: {"sum": a["a"] + a["b"]},
            "Add two numbers.",
            {"a": number, "b": number},
            READ_ONLY,
        ),
        FakeTool(
            "get_time",
            lambda a, h: datetime.now(UTC).isoformat(timespec="seconds"),
            "The time now, in UTC.",
            annotations=READ_ONLY,
        ),
        FakeTool("write_note", lambda a, h: f"noted: {a['text']}", "Write a note down.", text),
        FakeTool("slow", _slow, "Wait some seconds.", {"seconds": number}, READ_ONLY),
        FakeTool("fail", _fail, "Fail, always.", annotations=READ_ONLY),
        FakeTool(
            "big",
            lambda a, h: "x" * a["characters"],
            "Give back a long text.",
            {"characters": {"type": "integer"}},
            READ_ONLY,
        ),
        FakeTool("headers", lambda a, h: h, "The headers this call came with.", {}, READ_ONLY),
        FakeTool(
            "delete_everything",
            lambda a, h: "all gone",
            "Delete everything.",
            annotations={"readOnlyHint": False, "destructiveHint": True},
        ),
    ]
