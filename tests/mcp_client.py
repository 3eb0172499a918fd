"""OMNI2's own MCP endpoint in the tests: served as in life, and asked by real clients."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from gateway.mcp_endpoint.entrance import Endpoint
from tests.fakes.hosting import HERE, address
from tests.fakes.mcp_server import listen, running

T = TypeVar("T")
MODERN = "2026-07-28"
# One for all: each client of its own would read all CA certificates first.
HTTP = httpx2.Client(timeout=10, trust_env=False, verify=False)


@contextmanager
def serve_endpoint(host: str = HERE) -> Iterator[str]:
    """Serve the endpoint alone on a free port; its URL."""
    endpoint, listening = Endpoint(), listen(host=host)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            return await endpoint(scope, receive, send)
        await receive()
        async with endpoint.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    # As it is deployed: who asks is what the connection says, and our own settings of proxies.
    with running(application, listening, proxy_headers=False):
        yield f"http://{address(host, listening.getsockname()[1])}/mcp"


def post(
    url: str, body: Any, *, key: str = "", headers: dict[str, str] | None = None
) -> httpx2.Response:
    """One POST as it is: `body` as bytes, or as what is to be written as JSON."""
    wanted = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    wanted |= {"Authorization": f"Bearer {key}"} if key else {}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HTTP.post(url, content=content, headers=wanted | (headers or {}))


def ask(
    url: str, key: str, method: str, params: dict[str, Any] | None = None, **more: Any
) -> httpx2.Response:
    """One request of the stateless generation; `more` are `capabilities` and `headers`."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": more.get("capabilities", {}),
    }
    sent = {"_meta": meta, **(params or {})}
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    if name := sent.get("name") or sent.get("uri"):
        headers["Mcp-Name"] = name
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": sent}
    return post(url, body, key=key, headers=headers | more.get("headers", {}))


def with_client(
    url: str,
    key: str,
    work: Callable[[Client], Awaitable[T]],
    *,
    mode: str = "auto",
    **options: Any,
) -> T:
    """What `work` returns of the official client, connected with this key."""

    async def run() -> T:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=10, trust_env=False) as http:
            transport = streamable_http_client(url, http_client=http)
            async with Client(transport, mode=mode, **options) as client:
                return await work(client)

    return asyncio.run(run())


def list_tools(url: str, key: str, *, mode: str = "auto") -> list[str]:
    """The names of the tools this key's person is offered, in the order given."""

    async def work(client: Client) -> list[str]:
        return [tool.name for tool in (await client.list_tools()).tools]

    return with_client(url, key, work, mode=mode)


def call_tool(
    url: str, key: str, name: str, arguments: dict[str, Any] | None = None, *, mode: str = "auto"
) -> Any:
    """The result of one call."""

    async def work(client: Client) -> Any:
        return await client.call_tool(name, arguments or {})

    return with_client(url, key, work, mode=mode)
