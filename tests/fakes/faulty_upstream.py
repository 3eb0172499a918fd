"""An MCP server that misbehaves on purpose, byte by byte.

It negotiates properly (2026-07-28, or the handshake era) and then answers tools/list and tools/call
as the test says:

    with faulty(lambda message: http(502, "<html>")) as upstream:
        ...

An answer is bytes, or an async function that gets the stream writer.
"""

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from registry.mcp.endpoint import Endpoint
from tests.fakes.mcp_server import listen

Message = dict[str, Any]
Write = Callable[[asyncio.StreamWriter], Awaitable[None]]
Answer = Callable[[Message], bytes | Write]

ENDED = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
CAPABILITIES: dict[str, Any] = {"tools": {}}


@dataclass
class Received:
    """One HTTP request as it arrived; `message` is {} where the body was no JSON."""

    method: str
    path: str
    headers: dict[str, str]
    message: Message


@dataclass
class FaultyUpstream:
    """A running misbehaving server and what it was sent."""

    port: int
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def calls(self) -> list[Message]:
        """The parameters of every tools/call."""
        return [r.message["params"] for r in self.received if _method(r) == "tools/call"]

    def methods(self) -> list[str]:
        return [_method(received) for received in self.received]

    def endpoint(self, **changes: Any) -> Endpoint:
        settings: dict[str, Any] = {
            "transport": "http",
            "url": f"http://{self.address}/mcp",
            "internal_addresses": frozenset({self.address}),
            **changes,
        }
        return Endpoint(name="faulty", **settings)


def http(status: int, body: str | bytes = b"", **headers: str) -> bytes:
    """A whole HTTP answer; header names are written with underscores."""
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("content-type", "text/html")
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def raw_json(message: Message, result: str) -> bytes:
    """A JSON-RPC answer whose result is given as JSON text, valid or not."""
    body = f'{{"jsonrpc": "2.0", "id": {json.dumps(message["id"])}, "result": {result}}}'
    return http(200, body, content_type="application/json")


def answered(message: Message, result: Any) -> bytes:
    """A proper JSON-RPC answer."""
    return raw_json(message, json.dumps({"resultType": "complete", **result}))


def rpc_error(message: Message, code: int, text: str, *, status: int = 200) -> bytes:
    """A JSON-RPC error, at any HTTP status."""
    body = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": text}}
    return http(status, json.dumps(body), content_type="application/json")


def text_result(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": False}


SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def event(value: Any) -> bytes:
    """One server-sent event with this value as JSON."""
    return b"event: message\ndata: " + json.dumps(value).encode() + b"\n\n"


def slowly(head: bytes, drop: bytes, every: float) -> Write:
    """Send `head` and then `drop` again and again until the client has gone."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(int(20 / every)):
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(every)

    return write


def _method(received: Received) -> str:
    return str(received.message.get("method", ""))


@contextmanager
def faulty(
    answer: Answer,
    *,
    modern: bool = True,
    session: str = "",
    negotiates: bool = True,
    tls: ssl.SSLContext | None = None,
) -> Iterator[FaultyUpstream]:
    """Run the server until the block ends; `answer` speaks for all that is not negotiation.

    `session` is the session id its handshake gives out, if any. A server that does not negotiate
    leaves that to `answer` too.
    """
    listening = listen()
    upstream = FaultyUpstream(listening.getsockname()[1])
    loop = asyncio.new_event_loop()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.connections += 1
        with closing(writer), suppress(*ENDED):
            while received := await _receive(reader):
                upstream.received.append(received)
                message = received.message
                agreed = _negotiation(message, modern, session) if negotiates else None
                reply = agreed or answer(message)
                if callable(reply):
                    await reply(writer)
                    break
                writer.write(reply)
                await writer.drain()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(connected, sock=listening, ssl=tls)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    try:
        yield upstream
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _receive(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, json.loads(body) if body else {})


def _negotiation(message: Message, modern: bool, session: str) -> bytes | None:
    method = message.get("method", "")
    if method == "server/discover" and modern:
        known = {"supportedVersions": ["2026-07-28"], "capabilities": CAPABILITIES}
        return answered(message, {**known, "ttlMs": 0, "cacheScope": "private"})
    if method == "server/discover":
        return rpc_error(message, -32601, "Method not found")
    if method == "initialize":
        known = {"protocolVersion": "2025-11-25", "capabilities": CAPABILITIES}
        result = {**known, "serverInfo": {"name": "f", "version": "1"}}
        given = {"mcp_session_id": session} if session else {}
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
        return http(200, body, content_type="application/json", **given)
    if method == "notifications/initialized":
        return http(202)
    return None
