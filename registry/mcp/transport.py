"""The safe HTTP transport under the SDK's clients.

The SDK's transports give up on the whole connection when one request breaks. So nothing breaks for
them: each POST comes back as a well-formed JSON-RPC answer, and what really happened is told to the
caller's Exchange. Identity encoding only, no redirects, one origin, strict JSON, capped and timed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from typing import Any, TypeVar

import anyio
import httpcore2
import httpx2

from registry.mcp import answers, dialling, events, guard, parsing
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import (
    GuardRefused,
    Stale,
    Unreachable,
    UpstreamError,
)
from registry.mcp.exchange import EXCHANGE, Exchange
from registry.mcp.large import LARGE_BYTES, Stay
from registry.mcp.pace import PIECE_SECONDS

T = TypeVar("T")
# A notification and the end of a session are courtesies.
COURTESY_SECONDS = 2.0
# A server that asks without end is not refused without end.
COURTESY_LIMIT = 32
ACCEPT = "application/json, text/event-stream"


class SafeTransport(httpx2.AsyncBaseTransport):
    """What an `httpx2.AsyncClient` sends for one endpoint, made safe."""

    def __init__(self, endpoint: Endpoint, resolver: guard.Resolver) -> None:
        self._name = endpoint.name
        self._origin = guard.parse_url(endpoint.url)
        guard.check_scheme(self._origin, endpoint.internal_addresses)
        self._legacy = endpoint.transport == "sse"
        self._pool = dialling.pool(endpoint, resolver)
        self._courtesies: set[asyncio.Task[None]] = set()
        self._own = endpoint.headers
        self._url = endpoint.url
        # The id of the session that the server gave out, as a header.
        self._session: dict[str, str] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["accept-encoding"] = "identity"
        if request.method == "POST":
            return await self._post(request)
        if request.method == "GET":
            return await self._get(request)
        await self._courtesy(request)
        return httpx2.Response(200)

    async def aclose(self) -> None:
        for task in self._courtesies:
            task.cancel()
        await self._pool.aclose()

    async def stream(self, version: str) -> httpcore2.Response:
        """The stream of what the server says unasked. Raises UpstreamError where there is none."""
        response = await self._send(self._request("GET", version), None)
        if response.status == 200:
            return response
        await response.aclose()
        raise answers.http_refused(response, b"")

    def say(self, version: str, answer: dict[str, Any]) -> None:
        """Answer what came on that stream, as far as the server listens."""
        if len(self._courtesies) < COURTESY_LIMIT:
            self._begin_courtesy(self._request("POST", version, answer))

    def _request(
        self, method: str, version: str, value: dict[str, Any] | None = None
    ) -> httpx2.Request:
        headers = {
            "user-agent": "omni2",
            **self._own,
            "accept": "text/event-stream" if value is None else ACCEPT,
            "accept-encoding": "identity",
            "mcp-protocol-version": version,
            **self._session,
        }
        return httpx2.Request(method, self._url, headers=headers, json=value)

    async def _post(self, request: httpx2.Request) -> httpx2.Response:
        message, exchange = answers.message_of(request), EXCHANGE.get()
        if message.id is None:
            return await self._notify(request, message, exchange)
        try:
            with exchange.clock():
                return await self._answer(request, message, exchange)
        except UpstreamError as error:
            return self._failed(message, exchange, error)
        except Exception as error:
            # Whatever else it is, it may not end the calls beside this one.
            text = f"The request failed ({type(error).__name__})."
            return self._failed(message, exchange, Unreachable(text, executed=exchange.executed))

    async def _answer(
        self, request: httpx2.Request, message: answers.Message, exchange: Exchange
    ) -> httpx2.Response:
        response = await self._send(request, exchange)
        try:
            exchange.status = response.status
            self._session |= answers.session_header(response)
            kind = answers.kind_of(response)
            if response.status >= 300:
                body = await answers.read(response, answers.ERROR_BODY_LIMIT, cut=True)
                return answers.as_json(self._refusal(request, response, body, message))
            if self._legacy:
                await answers.read(response, answers.ERROR_BODY_LIMIT, cut=True)
                return httpx2.Response(202)
            if kind == "application/json":
                value = await self._value(response)
                answer = exchange.take(answers.correlated(value, message))
                return answers.as_json(answer, answers.session_header(response))
            if kind != "text/event-stream":
                body = await answers.read(response, answers.ERROR_BODY_LIMIT, cut=True)
                raise answers.not_json(response, body)
        except BaseException:
            await response.aclose()
            raise
        return answers.as_stream(response, self._events(response, exchange))

    async def _value(self, response: httpcore2.Response) -> Any:
        with Stay(self._name) as stay:
            body = await answers.read(response, parsing.BYTE_LIMIT, stay=stay)
            with stay.reading():
                return await parsing.parse_aside(body)

    def _refusal(
        self,
        request: httpx2.Request,
        response: httpcore2.Response,
        body: bytes,
        message: answers.Message,
    ) -> dict[str, Any]:
        """The JSON-RPC error that the server sent with its 4xx, for the SDK. Else raises."""
        error = answers.rpc_error_in(body)
        has_session = self._legacy or "mcp-session-id" in request.headers
        if has_session and answers.session_is_gone(response.status, error):
            raise Stale("The server no longer knows the session.", status=response.status)
        if self._legacy:
            raise answers.http_refused(response, body)
        return answers.refusal(response, body, message)

    def _failed(
        self, message: answers.Message, exchange: Exchange, error: UpstreamError
    ) -> httpx2.Response:
        if self._legacy:
            # The answer would come on the stream, so only waking the caller ends its wait.
            exchange.fail(error)
            return httpx2.Response(202)
        exchange.failure = exchange.failure or error.lightened()
        return answers.as_json(answers.rpc_error(message, -32603, error.message))

    async def _notify(
        self, request: httpx2.Request, message: answers.Message, exchange: Exchange
    ) -> httpx2.Response:
        if message.method == "notifications/initialized":
            await self._courtesy(request)
        elif exchange.failure is None and len(self._courtesies) < COURTESY_LIMIT:
            # Not awaited: the SDK sends nothing else for this server until we return.
            self._begin_courtesy(request)
        return httpx2.Response(202)

    def _begin_courtesy(self, request: httpx2.Request) -> None:
        task = asyncio.create_task(self._courtesy(request))
        self._courtesies.add(task)
        task.add_done_callback(self._courtesies.discard)

    async def _courtesy(self, request: httpx2.Request) -> None:
        with anyio.move_on_after(COURTESY_SECONDS):
            with suppress(UpstreamError):
                await answers.read(
                    await self._send(request, None), answers.ERROR_BODY_LIMIT, cut=True
                )

    async def _get(self, request: httpx2.Request) -> httpx2.Response:
        if not self._legacy and "last-event-id" not in request.headers:
            # The stream of unasked-for messages: `news` has one of its own.
            return httpx2.Response(405)
        exchange = EXCHANGE.get()
        if exchange.failure is not None:
            return httpx2.Response(405)
        try:
            with exchange.clock():
                response = await self._send(request, exchange)
        except UpstreamError as error:
            exchange.fail(error)
            return httpx2.Response(502)
        if response.status != 200:
            await response.aclose()
            exchange.fail(answers.http_refused(response, b""))
            return httpx2.Response(502)
        return answers.as_stream(response, self._events(response, exchange))

    async def _events(
        self, response: httpcore2.Response, exchange: Exchange
    ) -> AsyncIterator[bytes]:
        """The stream's events, checked. A broken stream just ends; a bad event fails its caller."""
        source = aiter(response.aiter_stream())
        splitter = events.Splitter(
            limit=events.LEGACY_LIMIT if self._legacy else parsing.BYTE_LIMIT
        )
        stay = Stay(self._name)
        try:
            while True:
                chunk = await self._in_time(anext(source), exchange)
                await self._in_time(stay.grow_to(splitter.size + len(chunk)), exchange)
                began = time.thread_time()
                found = list(splitter.feed(chunk))
                work = PIECE_SECONDS + time.thread_time() - began
                for event in found:
                    began = time.thread_time()
                    with stay.reading():
                        passed = await events.checked(event, exchange.take, hear=exchange.hear)
                    work += events.work_in(passed, seconds=time.thread_time() - began)
                    if passed:
                        yield passed
                await self._in_time(stay.heard(work), exchange)
                if splitter.size <= LARGE_BYTES:
                    stay.leave()
        except StopAsyncIteration:
            return
        except UpstreamError as error:
            exchange.fail(error)
        except answers.BROKEN:
            return
        finally:
            stay.leave()

    async def _in_time(self, wait: Awaitable[T], exchange: Exchange) -> T:
        """What is waited for, within the request's time; the legacy stream is of no request."""
        if self._legacy:
            return await wait
        with exchange.clock():
            return await wait

    async def _send(self, request: httpx2.Request, exchange: Exchange | None) -> httpcore2.Response:
        self._check_origin(request.url)

        async def trace(event: str, info: Any) -> None:
            if exchange is not None and event.endswith(".send_request_headers.started"):
                exchange.sent = True

        return await dialling.send(self._pool, _core_request(request, self._origin, trace))

    def _check_origin(self, url: httpx2.URL) -> None:
        if guard.parse_url(f"{url.scheme}://{url.netloc.decode('ascii')}") != self._origin:
            raise GuardRefused("The request would go to another host than the registered one.")


def client(endpoint: Endpoint, transport: SafeTransport) -> httpx2.AsyncClient:
    """An HTTP client for the SDK: only the endpoint's own headers, no environment, no time-outs
    of its own (the Exchange has the deadline)."""
    headers = {"user-agent": "omni2", **endpoint.headers}
    return httpx2.AsyncClient(transport=transport, headers=headers, timeout=None, trust_env=False)


def _core_request(request: httpx2.Request, origin: guard.Origin, trace: Any) -> httpcore2.Request:
    # The library would dial and name the host as the URL happens to spell it.
    request.headers["host"] = origin.authority
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(
            scheme=origin.scheme,
            host=origin.host,
            port=origin.port,
            target=request.url.raw_path,
        ),
        headers=request.headers.raw,
        content=request.content,
        extensions={"trace": trace},
    )
