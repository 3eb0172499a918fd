"""The synchronous face of the MCP client, one per process.

    connections.list_tools(endpoint)
    connections.call_tool(endpoint, "echo", {"text": "hello"}, cancelled=event)

Every method ends within its time, whatever the server does, and raises an UpstreamError that says
whether the request may have been carried out.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from registry.mcp import asking, guard, internal
from registry.mcp.asking import Listing, Request
from registry.mcp.behalf import ALONE, Behalf
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadArguments, Rejected, Stale
from registry.mcp.loop import LoopThread, Stop

if TYPE_CHECKING:
    from registry.mcp.connection import Connection
    from registry.mcp.direct import Line
    from registry.mcp.plain import Answer

__all__ = ["Connections", "Listing", "connections"]

T = TypeVar("T")
# Connections of single people that are kept open in one process.
ACCOUNTS_LIMIT = 200


class Connections:
    """Connections to servers, opened when first needed and kept; safe to use from any thread."""

    def __init__(self, *, resolver: guard.Resolver = guard.resolve) -> None:
        self._resolver = resolver
        # Told the name of a server that says one of its lists is another now, in the event loop:
        # it must not block.
        self.on_change: Callable[[str], None] | None = None
        self._loop = LoopThread()
        self._live: dict[Endpoint, Connection] = {}
        self._retired: set[Connection] = set()
        os.register_at_fork(after_in_child=self._forget)

    def list_tools(self, endpoint: Endpoint, timeout: float | None = None) -> Listing:
        """All tools of the server, and what else it offers; raises as `asking.everything` does."""
        if endpoint.transport == "internal":
            return internal.listed(endpoint)
        if endpoint.transport == "openapi":
            return self._described(endpoint, timeout)
        return self._run(endpoint, asking.everything, timeout=timeout)

    def call_tool(
        self,
        endpoint: Endpoint,
        name: str,
        arguments: Mapping[str, Any],
        *,
        accepted: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        cancelled: Stop | None = None,
        behalf: Behalf = ALONE,
    ) -> dict[str, Any]:
        """The tool's raw result: `content`, and perhaps `structuredContent` and `isError`.

        Sent at most once, or again only where the server provably had not taken it up (a session
        that had ended, a header it wants). Ends at most 0.2 s after `cancelled` says so. Where
        somebody waits behind us whom the tool may ask, its result may be that it does
        (`asking.asks_for_input`). `accepted` is the tool object that was accepted; a REST service
        is called by it alone.
        """
        params = {"name": name, "arguments": dict(arguments)}
        request = Request(asking.CALL, params, behalf, timeout=timeout, stop=cancelled)
        return self._asked(endpoint, request, accepted)

    def ask(
        self,
        endpoint: Endpoint,
        method: str,
        params: Mapping[str, Any],
        *,
        timeout: float | None = None,
        cancelled: Stop | None = None,
        behalf: Behalf = ALONE,
    ) -> dict[str, Any]:
        """The raw result of a request other than `tools/call`; ends as `call_tool` does."""
        return self._asked(endpoint, Request(method, params, behalf, timeout, cancelled))

    def ping(self, endpoint: Endpoint, timeout: float | None = None) -> float:
        """Milliseconds the server took to answer the smallest question its generation knows.

        A command that was put to sleep stays so: it was well, and 0 is answered for it.
        """
        if endpoint.transport == "internal":
            internal.find(endpoint)
            return 0.0
        known = self._live.get(endpoint) if endpoint.idle_seconds else None
        if known is not None and known.slept:
            return 0.0
        return self._run(endpoint, asking.ping, timeout=timeout)

    def last_said(self, name: str) -> list[str]:
        """The last lines that this server's command wrote to stderr; [] when none ran here."""
        if not self._loop.started:
            return []
        from registry.mcp import stdio  # noqa: PLC0415  loads the MCP SDK

        return stdio.supervisor.said(name)

    def fetch(self, endpoint: Endpoint, *, accept: str, timeout: float) -> "Answer":
        """What lies at the endpoint's address, whatever it is: one GET."""
        from registry.mcp import plain  # noqa: PLC0415  loads the MCP SDK's types

        return self._loop.run(
            lambda: plain.fetch(endpoint, self._resolver, accept=accept, seconds=timeout),
            timeout=timeout,
        )

    def _described(self, endpoint: Endpoint, timeout: float | None) -> Listing:
        """What the document of a REST service says, fetched now unless the endpoint holds it."""
        from registry.openapi import listing  # noqa: PLC0415  loads the MCP SDK's types

        seconds = endpoint.call_timeout if timeout is None else timeout
        found = listing.listed(
            endpoint, lambda at: self.fetch(at, accept=listing.ACCEPT, timeout=seconds)
        )
        asking.check_listing(found.tools, len(json.dumps(found.tools)), "tools")
        return Listing(found.tools, found.version, found.server_info, found.instructions)

    def close(self, name: str) -> None:
        """End the connections to the server of this name, and its child process."""
        self._close(lambda endpoint: endpoint.name == name)

    def close_all(self) -> None:
        """End every connection and every child process."""
        self._close(lambda endpoint: True)

    def _asked(
        self, endpoint: Endpoint, request: Request, accepted: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The result; where nobody can be asked, the server's forms may be answered as they say."""
        _check_sendable([request.params, dict(request.behalf.more)])
        if not endpoint.answers_forms or request.behalf.capabilities:
            return self._asked_once(endpoint, request, accepted)
        seconds = endpoint.call_timeout if request.timeout is None else request.timeout
        return asking.by_defaults(
            request, lambda one: self._asked_once(endpoint, one, accepted), seconds
        )

    def _asked_once(
        self, endpoint: Endpoint, request: Request, accepted: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """The result, asked for by this very thread where the server can be asked so."""
        if endpoint.transport == "internal":
            return request.checked(internal.ask(endpoint, request.method, request.params))
        if endpoint.transport != "http":
            return self._through_the_loop(endpoint, request, accepted)
        left = _Left(endpoint.call_timeout if request.timeout is None else request.timeout)
        line = self._line(endpoint, timeout=left.seconds(), stop=request.stop)
        if line is None:
            return self._through_the_loop(endpoint, replace(request, timeout=left.seconds()))
        try:
            result = line.request(request, deadline=left.deadline)
        except Rejected as error:
            if not request.may_need_headers(error):
                raise
            self._run(endpoint, asking.learn, timeout=left.seconds(), stop=request.stop)
            result = line.request(request, deadline=left.deadline)
        return request.checked(result)

    def _line(self, endpoint: Endpoint, *, timeout: float, stop: Stop | None) -> "Line | None":
        """The way to a server of the stateless generation, found out now if need be."""
        connection = self._live.get(endpoint)
        if connection is None or not connection.usable or not connection.is_open:
            self._run(endpoint, _nothing, timeout=timeout, stop=stop)
            connection = self._live.get(endpoint)
        if connection is None or connection.line is None:
            return None
        connection.used_at = time.monotonic()
        return connection.line

    def _through_the_loop(
        self,
        endpoint: Endpoint,
        request: Request,
        accepted: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        async def ask(connection: "Connection", deadline: float) -> dict[str, Any]:
            if endpoint.transport == "openapi" and accepted is not None:
                connection.learn([dict(accepted)])
            return await asking.ask(connection, request, deadline)

        return self._run(endpoint, ask, timeout=request.timeout, stop=request.stop)

    def _run(
        self,
        endpoint: Endpoint,
        work: "Callable[[Connection, float], Awaitable[T]]",
        *,
        timeout: float | None,
        stop: Stop | None = None,
    ) -> T:
        # Loaded by the caller, on its own time: the loop must not stand still for a second.
        import registry.mcp.connection  # noqa: F401, PLC0415  loads the MCP SDK (1 s, 64 MiB)

        seconds = endpoint.call_timeout if timeout is None else timeout
        return self._loop.run(
            lambda: self._attempts(endpoint, work, seconds), timeout=seconds, stop=stop
        )

    async def _attempts(
        self,
        endpoint: Endpoint,
        work: "Callable[[Connection, float], Awaitable[T]]",
        seconds: float,
    ) -> T:
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            return await work(await self._opened(endpoint, deadline), deadline)
        except Stale:
            self._retire(endpoint)
            return await work(await self._opened(endpoint, deadline), deadline)

    async def _opened(self, endpoint: Endpoint, deadline: float) -> "Connection":
        connection = self._live.get(endpoint)
        if connection is None or not connection.usable:
            connection = self._replace(endpoint)
        connection.used_at = time.monotonic()
        await connection.opened(deadline)
        return connection

    def _replace(self, endpoint: Endpoint) -> "Connection":
        for known in [known for known in self._live if endpoint.replaces(known)]:
            self._retire(known)
        # People come and go; who has not called for the longest time is connected anew if need be.
        of_people = [known for known in self._live if known.account]
        of_people.sort(key=lambda known: self._live[known].used_at)
        for known in of_people[: max(0, len(of_people) - ACCOUNTS_LIMIT + 1)]:
            self._retire(known)
        connection = self._live[endpoint] = self._connect(endpoint)
        return connection

    def _connect(self, endpoint: Endpoint) -> "Connection":
        from registry.mcp.connection import Connection  # noqa: PLC0415  loads the MCP SDK
        from registry.openapi.connection import ServiceConnection  # noqa: PLC0415  stands on us

        if endpoint.transport == "openapi":
            # It answers what it can be asked as a server's connection does.
            return cast("Connection", ServiceConnection(endpoint, self._resolver))
        return Connection(endpoint, self._resolver, lambda: self._changed(endpoint.name))

    def _changed(self, name: str) -> None:
        if self.on_change is not None:
            self.on_change(name)

    def _retire(self, endpoint: Endpoint) -> None:
        """Let the connection end when its last call has; until then it is kept in sight."""
        self._retired = {old for old in self._retired if not old.ended}
        if (connection := self._live.pop(endpoint, None)) is not None:
            connection.retire()
            self._retired.add(connection)

    def _close(self, wanted: Callable[[Endpoint], bool]) -> None:
        async def close() -> None:
            chosen = [c for c in (*self._live.values(), *self._retired) if wanted(c.endpoint)]
            self._live = {e: c for e, c in self._live.items() if c not in chosen}
            await asyncio.gather(*(connection.close() for connection in chosen))

        if self._loop.started:
            self._loop.run(close, timeout=5)

    def _forget(self) -> None:
        # In a fork these belong to the parent: they are dropped, not closed.
        self._loop.forget()
        self._live, self._retired = {}, set()


async def _nothing(_connection: "Connection", _deadline: float) -> None:
    """To have a connection opened is enough."""


class _Left:
    """What is left of the time of a call."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def seconds(self) -> float:
        return max(0.0, self.deadline - time.monotonic())


def _check_sendable(value: Any) -> None:
    # The SDK would find out inside the connection, and give that up.
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise BadArguments("The arguments cannot be written as JSON.") from None


connections = Connections()
