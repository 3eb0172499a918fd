"""One supervised connection to one server. Lives in the event loop; loads the MCP SDK."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import anyio
from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared import inbound
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from registry.mcp import guard, negotiating, news, stdio, transport
from registry.mcp.behalf import ALONE, Behalf
from registry.mcp.direct import CLIENT, Line, stamped
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import (
    Stale,
    TimedOut,
    Unreachable,
    UpstreamError,
)
from registry.mcp.exchange import EXCHANGE, Exchange
from registry.mcp.meaning import translated
from registry.mcp.news import Changed

# Asking a command now and then how it is must not keep it from being put to sleep.
_ASKS_HOW_IT_IS = frozenset({"ping", "server/discover"})


class _Dispatcher(JSONRPCDispatcher):
    """Says when it has ended, which the SDK's does not."""

    def __init__(self, *streams: Any, ended: asyncio.Event) -> None:
        super().__init__(*streams)
        self._ended = ended

    async def run(self, *arguments: Any, **options: Any) -> None:
        try:
            await super().run(*arguments, **options)
        finally:
            self._ended.set()


class Connection:
    """A connection that opens itself, answers requests side by side, and ends once."""

    def __init__(
        self, endpoint: Endpoint, resolver: guard.Resolver, changed: Changed | None = None
    ) -> None:
        loop = asyncio.get_running_loop()
        self.endpoint = endpoint
        # Told when the server says that one of its lists is another now.
        self.changed = changed
        self.transport: transport.SafeTransport | None = None
        self._resolver = resolver
        self._opened_at = time.monotonic()
        self._ready: asyncio.Future[None] = loop.create_future()
        self._ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())
        self._closing = asyncio.Event()
        self._in_flight: set[Exchange] = set()
        self._retired = False
        self._sleep: asyncio.TimerHandle | None = None
        self.slept = False
        self.used_at = self._opened_at
        # For threads that ask by themselves, once it is known that the server can be asked so.
        self.line: Line | None = None
        # Argument names that a tool wants repeated in HTTP headers, by tool.
        self._header_maps: dict[str, dict[tuple[str, ...], str]] = {}
        self._opening = Exchange(
            loop.time() + endpoint.connect_timeout,
            self._give_up,
            keeps_result=False,
            changed=changed,
        )
        self._task = asyncio.create_task(self._live())
        late = loop.call_later(endpoint.connect_timeout, self._opening_is_late)
        # A timer would keep the connection for as long, whenever it ended.
        self._ready.add_done_callback(lambda ready: late.cancel())

    @property
    def usable(self) -> bool:
        """Whether a new request may be given to it (it may still be opening). For any thread."""
        age = time.monotonic() - self._opened_at
        too_old = 0 < self.endpoint.max_age_seconds < age
        return not (self.ended or self._closing.is_set() or self._retired or too_old)

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left, requests that threads make by themselves included."""
        return self._task.done() and (self.line is None or not self.line.is_busy)

    @property
    def is_open(self) -> bool:
        """Whether it has been found out how the server is spoken to. For any thread."""
        return self._ready.done()

    async def opened(self, deadline: float) -> None:
        """Wait until the server can be asked. Raises what kept it from opening."""
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.shield(self._ready)
        except TimeoutError:
            raise TimedOut("The server did not open a session in time.", executed="no") from None

    def retire(self) -> None:
        """Take no more requests; end when the last one under way has ended."""
        self._retired = True
        if self.line is not None:
            self.line.retire()
        if not self._in_flight:
            self._closing.set()

    def _wake(self) -> None:
        """Somebody wants it: it is put to sleep no sooner than `idle_seconds` after the last."""
        if self._sleep is not None:
            self._sleep.cancel()
        if self.endpoint.idle_seconds:
            loop = asyncio.get_running_loop()
            self._sleep = loop.call_later(self.endpoint.idle_seconds, self._fall_asleep)

    def _fall_asleep(self) -> None:
        if self._in_flight:
            return self._wake()
        self.slept = not self.ended
        self.retire()

    async def close(self) -> None:
        """End now, with whatever is under way."""
        if self.line is not None:
            self.line.hang_up()
        self._give_up()
        await asyncio.wait([self._task], timeout=4 * stdio.LEAVE_SECONDS)

    async def request(
        self, method: str, params: Mapping[str, Any], *, deadline: float, behalf: Behalf = ALONE
    ) -> dict[str, Any]:
        """The raw result of one JSON-RPC request. Raises an UpstreamError."""
        if self._closing.is_set():
            raise Stale("The connection had ended.")
        with anyio.CancelScope(deadline=deadline) as scope:
            exchange = Exchange(deadline, scope.cancel, behalf=behalf, changed=self.changed)
            token = EXCHANGE.set(exchange)
            self._in_flight.add(exchange)
            if method not in _ASKS_HOW_IT_IS:
                self._wake()
            try:
                stamped, options = self._stamped(method, {**params, **behalf.more}, behalf)
                if behalf.hear is not None:
                    options["on_progress"] = exchange.progress
                result = await self._dispatcher.send_raw_request(method, stamped, options)
                return result if exchange.result is None else exchange.result
            except MCPError as error:
                raise exchange.failure or translated(error, exchange) from None
            finally:
                exchange.end()
                EXCHANGE.reset(token)
                self._done_with(exchange)
        raise exchange.failure or exchange.timed_out()

    async def subscribe(self, params: dict[str, Any]) -> None:
        """Ask to be told (`subscriptions/listen`); over when the server ends it. It counts for
        nobody: the connection may be put to sleep, or end, meanwhile."""
        stamped, options = self._stamped("subscriptions/listen", params, ALONE)
        await self._dispatcher.send_raw_request("subscriptions/listen", stamped, options)

    def learn(self, tools: list[dict[str, Any]]) -> None:
        """Note which arguments these tools want repeated in headers (2026-07-28, x-mcp-header)."""
        for tool in tools:
            schema = tool.get("inputSchema")
            if isinstance(schema, dict) and inbound.find_invalid_x_mcp_header(schema) is None:
                self._header_maps[str(tool.get("name"))] = inbound.x_mcp_header_map(schema)

    @property
    def session(self) -> ClientSession:
        return self._session

    @property
    def is_modern(self) -> bool:
        return self._session.protocol_version in MODERN_PROTOCOL_VERSIONS

    async def _live(self) -> None:
        EXCHANGE.set(self._opening)
        try:
            async with AsyncExitStack() as stack:
                read, write = await stack.enter_async_context(self._streams(stack))
                self._dispatcher = _Dispatcher(read, write, ended=self._closing)
                session = ClientSession(
                    dispatcher=self._dispatcher,
                    client_info=CLIENT,
                    elicitation_callback=news.by_defaults if self.endpoint.answers_forms else None,
                )
                self._session = await stack.enter_async_context(session)
                await self._open()
                async with news.heard(self):
                    self._ready.set_result(None)
                    await self._closing.wait()
        except UpstreamError as error:
            self._not_opened(error)
        except Exception as error:
            self._not_opened(Unreachable(f"The connection failed: {type(error).__name__}."))
        finally:
            self._closing.set()
            self._not_opened(Unreachable("The connection was closed."))

    def _streams(self, stack: AsyncExitStack) -> AbstractAsyncContextManager[Any]:
        endpoint = self.endpoint
        if endpoint.transport == "stdio":
            return stdio.child_client(endpoint, self._lost)
        safe = self.transport = transport.SafeTransport(endpoint, self._resolver)
        client = transport.client(endpoint, safe)
        if endpoint.transport == "sse":
            return sse_client(endpoint.url, httpx_client_factory=lambda *_, **__: client)
        stack.push_async_exit(client)
        return streamable_http_client(endpoint.url, http_client=client, max_sse_event_size=None)

    async def _open(self) -> None:
        try:
            await negotiating.agree(self._session, self.endpoint, self._opening)
        except UpstreamError as error:
            self._not_opened(error)
            raise
        if self.endpoint.transport == "http" and self.is_modern:
            version = self._session.protocol_version or ""
            self.line = Line(
                self.endpoint, self._resolver, version=version, wanted=self._header_maps
            )

    def _stamped(
        self, method: str, params: dict[str, Any], behalf: Behalf
    ) -> tuple[dict[str, Any], CallOptions]:
        """The parameters and HTTP headers the agreed version asks for."""
        version = self._session.protocol_version or ""
        if not self.is_modern:
            return params, {"headers": {inbound.MCP_PROTOCOL_VERSION_HEADER: version}}
        stamp, headers = stamped(version, method, params, behalf=behalf, wanted=self._header_maps)
        return stamp, {"headers": headers}

    def _done_with(self, exchange: Exchange) -> None:
        self._in_flight.discard(exchange)
        if self._retired and not self._in_flight:
            self._closing.set()

    def _lost(self, error: UpstreamError) -> None:
        self._opening.fail(error)

    def _give_up(self) -> None:
        """The way to the server broke, or never was: who waits for it is told now."""
        self._closing.set()
        if not self._ready.done():
            self._not_opened(self._opening.failure)
            self._task.cancel()
        elif self._opening.failure is not None:
            for exchange in list(self._in_flight):
                exchange.fail(self._opening.failure)

    def _opening_is_late(self) -> None:
        if not self._ready.done():
            self._opening.fail(TimedOut("The server did not open a session in time."))

    def _not_opened(self, error: UpstreamError | None) -> None:
        """Tell who waits for the opening, at once: leaving a child or a socket takes longer."""
        failure = self._opening.failure or error
        if failure is not None and not self._ready.done():
            failure.executed = "no"
            self._ready.set_exception(failure)
