"""A real MCP server on the official SDK, with tools a test can program and a log of every call.

In a test:

    with serve() as upstream:
        connections.call_tool(upstream.endpoint("fake"), "echo", {"text": "hello"})
        assert upstream.calls == [("echo", {"text": "hello"})]

As a child: `python -m tests.fakes.mcp_server --stdio`. Where OMNI2_FAKE_LOG names a file, each
tools/call is appended to it as one line of JSON before the tool runs, so that calls can be counted
across processes that are killed.
"""

import argparse
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from registry.mcp.endpoint import Endpoint
from tests.fakes.hosting import HERE
from tests.fakes.hosting import address as address_of
from tests.fakes.mcp_tools import FakeTool, default_tools

__all__ = ["FakeTool", "Upstream", "application", "listen", "running", "serve", "stdio_argv"]

MODERN = "2026-07-28"
LOG_VARIABLE = "OMNI2_FAKE_LOG"


@dataclass
class Upstream:
    """A running fake: where it is, what it offers, and what it was asked."""

    port: int = 0
    host: str = HERE
    tools: list[FakeTool] = field(default_factory=default_tools)
    log: Path | None = None
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # (HTTP method, JSON-RPC method or "", headers) of everything that arrived over HTTP.
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return address_of(self.host, self.port)

    @property
    def url(self) -> str:
        return f"http://{self.address}/mcp"

    @property
    def sse_url(self) -> str:
        return f"http://{self.address}/sse"

    def endpoint(self, name: str = "fake", **changes: Any) -> Endpoint:
        """Where the client finds this fake over streamable HTTP; `changes` are Endpoint fields."""
        settings: dict[str, Any] = {
            "transport": "http",
            "url": self.url,
            "internal_addresses": frozenset({self.address}),
            **changes,
        }
        return Endpoint(name=name, **settings)

    def _note(self, tool: str, arguments: dict[str, Any]) -> None:
        self.calls.append((tool, arguments))
        if self.log is not None:
            line = json.dumps({"tool": tool, "arguments": arguments, "pid": os.getpid()}) + "\n"
            with self.log.open("a", encoding="utf-8") as file:
                file.write(line)

    async def _list(self, ctx: Any, params: Any) -> types.ListToolsResult:
        tools = [types.Tool.model_validate(tool.definition()) for tool in self.tools]
        return types.ListToolsResult(tools=tools)

    async def _call(self, ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = next((tool for tool in self.tools if tool.name == params.name), None)
        if tool is None:
            raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown tool: {params.name}")
        arguments = params.arguments or {}
        self._note(tool.name, arguments)
        try:
            outcome = tool.run(arguments, _headers_of(ctx))
            return _result(await outcome if hasattr(outcome, "__await__") else outcome)
        except anyio.get_cancelled_exc_class():
            self.cancelled.append(tool.name)
            raise
        except Exception as error:
            return types.CallToolResult(content=[_text(str(error))], is_error=True)

    def server(self) -> Server[Any]:
        """The SDK server that answers with this fake's tools."""
        return Server(
            "fake-upstream",
            version="1.0",
            instructions="A server for tests.",
            on_list_tools=self._list,
            on_call_tool=self._call,
        )


def _headers_of(ctx: Any) -> dict[str, str]:
    request = getattr(ctx, "request", None)
    return dict(request.headers) if isinstance(request, Request) else {}


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


def _result(outcome: Any) -> types.CallToolResult:
    if isinstance(outcome, types.CallToolResult):
        return outcome
    if isinstance(outcome, dict):
        return types.CallToolResult(
            content=[_text(json.dumps(outcome))], structured_content=outcome
        )
    if isinstance(outcome, list):
        return types.CallToolResult.model_validate({"content": outcome})
    return types.CallToolResult(content=[_text(str(outcome))])


class _Watched:
    """Notes each request, and stands in for a server of the handshake era where asked to."""

    def __init__(self, app: ASGIApp, upstream: Upstream, generation: str) -> None:
        self.app, self.upstream, self.generation = app, upstream, generation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope, receive)
        body = await request.body() if request.method == "POST" else b""
        self.upstream.requests.append((request.method, _rpc_method(body), dict(request.headers)))
        if self.generation == "2025" and request.headers.get("mcp-protocol-version") == MODERN:
            return await _unknown_version()(scope, receive, send)
        await self.app(scope, _replay(body, receive), send)


def _rpc_method(body: bytes) -> str:
    try:
        return str(json.loads(body).get("method", ""))
    except (ValueError, AttributeError):
        return ""


def _unknown_version() -> Response:
    error = {"code": -32600, "message": "Bad Request: Unsupported protocol version"}
    return JSONResponse({"jsonrpc": "2.0", "id": "server-error", "error": error}, 400)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Any:
        return waiting.pop() if waiting else await receive()

    return again


def application(
    upstream: Upstream,
    *,
    generation: str = "both",
    json_response: bool = False,
    hosts: Sequence[str] = ("127.0.0.1:*", "localhost:*", "[::1]:*"),
) -> ASGIApp:
    """The fake as an ASGI application: streamable HTTP at /mcp, legacy SSE at /sse."""
    server, legacy = upstream.server(), SseServerTransport("/messages/")

    async def sse(request: Request) -> Response:
        streams = legacy.connect_sse(request.scope, request.receive, request._send)
        async with streams as (read, write):
            await server.run(read, write, server.create_initialization_options())
        return Response()

    routes = [Route("/sse", sse), Mount("/messages/", app=legacy.handle_post_message)]
    app = server.streamable_http_app(
        json_response=json_response,
        custom_starlette_routes=cast("list[Route]", routes),
        transport_security=TransportSecuritySettings(allowed_hosts=list(hosts)),
    )
    return _Watched(app, upstream, generation)


def listen(port: int = 0, host: str = HERE) -> socket.socket:
    """A listening socket on the loopback; port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, for asyncio turns Nagle off (40 ms an answer) only where it is.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((host, port))
    found.listen(128)
    return found


@contextmanager
def running(app: ASGIApp, listening: socket.socket, **options: Any) -> Iterator[None]:
    """Serve the application on the socket from a thread until the block ends."""
    quiet: dict[str, Any] = {"log_level": "critical", "ws": "none", "timeout_graceful_shutdown": 0}
    config = uvicorn.Config(app, **quiet, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.002)
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)
        listening.close()


@contextmanager
def serve(
    tools: Sequence[FakeTool] | None = None,
    log: Path | None = None,
    *,
    generation: str = "both",
    json_response: bool = False,
    port: int = 0,
    host: str = HERE,
) -> Iterator[Upstream]:
    """Run a fake on a free port until the block ends.

    `generation` is "both" (2026-07-28 and the handshake era) or "2025" (handshake only).
    """
    listening = listen(port, host)
    port = listening.getsockname()[1]
    upstream = Upstream(port, host, log=log or _log_from_environment())
    if tools is not None:
        upstream.tools = list(tools)
    app = application(upstream, generation=generation, json_response=json_response)
    with running(app, listening):
        yield upstream


def _log_from_environment() -> Path | None:
    name = os.environ.get(LOG_VARIABLE)
    return Path(name) if name else None


def stdio_argv() -> tuple[str, ...]:
    """The command line that starts this fake as a child (run it with the repository as `cwd`)."""
    return (sys.executable, "-m", "tests.fakes.mcp_server", "--stdio")


async def _serve_stdio() -> None:
    server = Upstream(log=_log_from_environment()).server()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def main() -> None:
    """Serve over stdio, or over HTTP on the given port until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stdio", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.stdio:
        anyio.run(_serve_stdio)
        return
    with serve(port=arguments.port) as upstream:
        print(upstream.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
