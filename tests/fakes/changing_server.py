"""A real MCP server whose list of tools grows when it is told to, which says so, and which asks.

In a test:

    with serve(generation="2025") as changing:
        connections.call_tool(changing.endpoint(), "grow", {})     # and it says `list_changed`

Both generations over streamable HTTP, legacy SSE at `/sse`, and as a child
(`python -m tests.fakes.changing_server`).
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged

from tests.fakes.mcp_server import MODERN, Upstream, application, listen, running
from tests.fakes.mcp_tools import READ_ONLY, FakeTool


class _Telling(Server[Any]):
    """Says in the handshake era, too, that it tells of changes."""

    def get_capabilities(self, *_: Any, **options: Any) -> types.ServerCapabilities:
        return super().get_capabilities(NotificationOptions(tools_changed=True), **options)


@dataclass
class Changing(Upstream):
    """`ttl` goes with each list, as milliseconds; `says` is whether it tells of a change."""

    bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)
    ttl: int = 0
    says: bool = True
    form: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tools = [_tool("grow"), _tool("first"), _tool("ask"), _tool("ask_alone")]

    async def _list(self, ctx: Any, params: Any) -> Any:
        listed = [tool.definition() for tool in self.tools]
        said = {"ttlMs": self.ttl, "cacheScope": "private", "resultType": "complete"}
        return {"tools": listed, **said}

    async def _call(self, ctx: Any, params: types.CallToolRequestParams) -> Any:
        if params.name == "grow":
            self.tools.append(_tool(f"grown_{len(self.tools)}"))
            if self.says:
                await self._say(ctx)
        if params.name.startswith("ask"):
            return await self._ask(ctx, params)
        return await super()._call(ctx, params)

    async def _ask(self, ctx: Any, params: types.CallToolRequestParams) -> Any:
        """Ask by the form; over HTTP on the call's own stream, or alone on the one beside it."""
        if ctx.protocol_version != MODERN:
            beside = {} if params.name == "ask_alone" else {"related_request_id": ctx.request_id}
            answer = await ctx.session.elicit_form("Sure?", self.form, **beside)
            said = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
        elif not params.input_responses:
            asked = {"mode": "form", "message": "Sure?", "requestedSchema": self.form}
            one = {"method": "elicitation/create", "params": asked}
            return {"resultType": "input_required", "inputRequests": {"sure": one}}
        else:
            said = params.input_responses["sure"].model_dump(
                mode="json", by_alias=True, exclude_none=True
            )
        text = json.dumps([said["action"], said.get("content")])
        return {"resultType": "complete", "content": [{"type": "text", "text": text}]}

    async def _say(self, ctx: Any) -> None:
        if ctx.protocol_version == MODERN:
            await self.bus.publish(ToolsListChanged())
        else:
            await ctx.session.send_tool_list_changed()

    def server(self) -> Server[Any]:
        server = _Telling(
            "changing-upstream",
            version="1.0",
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        params = types.SubscriptionsListenRequestParams
        server.add_request_handler("subscriptions/listen", params, ListenHandler(self.bus))
        return server


def _tool(name: str) -> FakeTool:
    return FakeTool(name, lambda arguments, headers: "done", f"The tool {name}.", {}, READ_ONLY)


@contextmanager
def serve(*, generation: str = "both") -> Iterator[Changing]:
    """Run it on a free port until the block ends."""
    listening = listen()
    changing = Changing(listening.getsockname()[1])
    with running(application(changing, generation=generation), listening):
        yield changing


def stdio_argv() -> tuple[str, ...]:
    """The command line that starts it as a child (run it with the repository as `cwd`)."""
    return (sys.executable, "-m", "tests.fakes.changing_server")


async def _serve_stdio() -> None:
    server = Changing().server()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(_serve_stdio)
