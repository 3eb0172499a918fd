"""The safe HTTP transport under the SDK's clients.

The SDK's transports give up on the whole connection when one request breaks. So nothing breaks for
them: each POST comes back as a well-formed JSON-RPC answer, and what really happened is told to the
caller's Exchange. Identity encoding only, no redirects, one origin, strict JSON, capped and timed.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio
import httpcore2
import httpx2

from registry.mcp import dialling, events, guard, parsing
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import (
    BadAnswer,
    GuardRefused,
    HttpRefused,
    Stale,
    Unreachable,
    UpstreamError,
)
from registry.mcp.exchange import EXCHANGE, Exchange

# A notification and the end of a session are courtesies.
COURTESY_SECONDS = 2.0
# Of an error's body only this much is read.
ERROR_BODY_LIMIT = 64 * 1024
JSON_TYPE = {"content-type": "application/json"}


@dataclass(frozen=True)
class Message:
    """The JSON-RPC message in a POST; `id` is None where no answer is due."""

    method: str
    id: Any


class SafeTransport(httpx2.AsyncBaseTransport):
    """What an `httpx2.AsyncClient` sends for one endpoint, made safe."""

    def __init__(self, endpoint: Endpoint, resolver: guard.Resolver) -> None:
        self._origin = guard.parse_url(endpoint.url)
        guard.check_scheme(self._origin, endpoint.internal_addresses)
        self._legacy = endpoint.transport == "sse"
        self._pool = dialling.pool(endpoint, resolver)
        self._courtesies: set[asyncio.Task[None]] = set()

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

    async def _post(self, request: httpx2.Request) -> httpx2.Response:
        message, exchange = _message(request), EXCHANGE.get()
        if message.id is None:
            return await self._notify(request, message, exchange)
        try:
            with exchange.clock():
                return await self._answer(request, message, exchange)
        except UpstreamError as error:
            return self._failed(message, exchange, error)

    async def _answer(
        self, request: httpx2.Request, message: Message, exchange: Exchange
    ) -> httpx2.Response:
        response = await self._send(request, exchange)
        try:
            exchange.status = response.status
            kind = _header(response, b"content-type").partition(";")[0].strip().lower()
            if response.status >= 300:
                return await _refusal(request, response, message)
            if self._legacy:
                await _read(response, ERROR_BODY_LIMIT)
                return httpx2.Response(202)
            if kind == "application/json":
                answer = parsing.parse(await _read(response, parsing.BYTE_LIMIT))
                return _json(_correlated(answer, message), _session(response))
            if kind != "text/event-stream":
                body = await _read(response, ERROR_BODY_LIMIT, cut=True)
                raise BadAnswer(f"HTTP {response.status}, no JSON: {parsing.excerpt(body)}")
        except BaseException:
            await response.aclose()
            raise
        return _stream(response, self._events(response, exchange))

    def _failed(
        self, message: Message, exchange: Exchange, error: UpstreamError
    ) -> httpx2.Response:
        if self._legacy:
            # The answer would come on the stream, so only waking the caller ends its wait.
            exchange.fail(error)
            return httpx2.Response(202)
        exchange.failure = exchange.failure or error
        return _json(_rpc_error(message, -32603, error.message))

    async def _notify(
        self, request: httpx2.Request, message: Message, exchange: Exchange
    ) -> httpx2.Response:
        if message.method == "notifications/initialized":
            await self._courtesy(request)
        elif exchange.failure is None:
            # Not awaited: the SDK sends nothing else for this server until we return.
            task = asyncio.create_task(self._courtesy(request))
            self._courtesies.add(task)
            task.add_done_callback(self._courtesies.discard)
        return httpx2.Response(202)

    async def _courtesy(self, request: httpx2.Request) -> None:
        with anyio.move_on_after(COURTESY_SECONDS):
            with suppress(UpstreamError):
                await _read(await self._send(request, None), ERROR_BODY_LIMIT, cut=True)

    async def _get(self, request: httpx2.Request) -> httpx2.Response:
        if not self._legacy and "last-event-id" not in request.headers:
            # The stream of unasked-for messages: nothing in it is of use here.
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
            exchange.fail(_http_refused(response, b""))
            return httpx2.Response(502)
        return _stream(response, self._events(response, exchange))

    async def _events(
        self, response: httpcore2.Response, exchange: Exchange
    ) -> AsyncIterator[bytes]:
        """The stream's events, checked. A broken stream just ends; a bad event fails its caller."""
        source = aiter(response.aiter_stream())
        splitter = events.Splitter(
            limit=events.LEGACY_LIMIT if self._legacy else parsing.BYTE_LIMIT
        )
        try:
            while True:
                chunk = await self._next(source, exchange)
                for event in splitter.feed(chunk):
                    yield events.checked(event)
        except StopAsyncIteration:
            return
        except UpstreamError as error:
            exchange.fail(error)
        except (httpcore2.NetworkError, httpcore2.ProtocolError):
            return

    async def _next(self, source: AsyncIterator[bytes], exchange: Exchange) -> bytes:
        if self._legacy:
            return await anext(source)
        with exchange.clock():
            return await anext(source)

    async def _send(self, request: httpx2.Request, exchange: Exchange | None) -> httpcore2.Response:
        self._check_origin(request.url)

        async def trace(event: str, info: Any) -> None:
            if exchange is not None and event.endswith(".send_request_headers.started"):
                exchange.sent = True

        try:
            response = await self._pool.handle_async_request(_core_request(request, trace))
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as error:
            raise Unreachable(
                f"No connection to the server: {_reason(error)}", executed="no"
            ) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise Unreachable(f"The connection broke: {_reason(error)}") from None
        encoding = _header(response, b"content-encoding").strip().lower()
        if encoding not in ("", "identity"):
            await response.aclose()
            raise BadAnswer(f"The server compressed its answer ({encoding[:20]}), unasked.")
        return response

    def _check_origin(self, url: httpx2.URL) -> None:
        port = url.port or (443 if url.scheme == "https" else 80)
        found = guard.Origin(url.scheme, url.raw_host.decode("ascii").strip("[]"), port)
        if found != self._origin:
            raise GuardRefused("The request would go to another host than the registered one.")


def client(endpoint: Endpoint, transport: SafeTransport) -> httpx2.AsyncClient:
    """An HTTP client for the SDK: only the endpoint's own headers, no environment, no time-outs
    of its own (the Exchange has the deadline)."""
    headers = {"user-agent": "omni2", **endpoint.headers}
    return httpx2.AsyncClient(transport=transport, headers=headers, timeout=None, trust_env=False)


def _message(request: httpx2.Request) -> Message:
    body = json.loads(request.content)
    method = body.get("method", "")
    return Message(method, body.get("id") if method else None)


def _core_request(request: httpx2.Request, trace: Any) -> httpcore2.Request:
    url = request.url
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        ),
        headers=request.headers.raw,
        content=request.content,
        extensions={"trace": trace},
    )


async def _read(response: httpcore2.Response, limit: int, *, cut: bool = False) -> bytes:
    """The body, closed afterwards. Raises TooLarge over the limit, or cuts there."""
    body = bytearray()
    try:
        async for chunk in response.aiter_stream():
            body += chunk
            if len(body) > limit:
                break
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise Unreachable(f"The connection broke: {_reason(error)}") from None
    finally:
        await response.aclose()
    if cut:
        return bytes(body[:limit])
    parsing.check_size(len(body), limit)
    return bytes(body)


async def _refusal(
    request: httpx2.Request, response: httpcore2.Response, message: Message
) -> httpx2.Response:
    """A JSON-RPC error the server sent with its 4xx, for the SDK to read. Else raises."""
    body = await _read(response, ERROR_BODY_LIMIT, cut=True)
    error = _rpc_error_in(body)
    if "mcp-session-id" in request.headers and _session_is_gone(response.status, error):
        raise Stale("The server no longer knows the session.", status=response.status)
    if error is None or response.status in (401, 403, 407, 429) or response.status >= 500:
        raise _http_refused(response, body)
    return _json({"jsonrpc": "2.0", "id": message.id, "error": error})


def _session_is_gone(status: int, error: dict[str, Any] | None) -> bool:
    # Servers on the TypeScript SDK say 400 with words where the specification says 404.
    words = str((error or {}).get("message", "")).lower()
    return status == 404 or (status == 400 and "session" in words)


def _http_refused(response: httpcore2.Response, body: bytes) -> HttpRefused:
    status = response.status
    text = f"The server answered HTTP {status}."
    if 300 <= status < 400:
        text = f"The server answered HTTP {status}: redirects are not followed."
    elif body:
        text = f"The server answered HTTP {status}: {parsing.excerpt(body)}"
    return HttpRefused(text, status=status, www_authenticate=_header(response, b"www-authenticate"))


def _rpc_error_in(body: bytes) -> dict[str, Any] | None:
    try:
        value = parsing.parse(body)
    except BadAnswer:
        return None
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return None
    return {**error, "message": str(error.get("message", ""))}


def _correlated(answer: Any, message: Message) -> dict[str, Any]:
    if not isinstance(answer, dict) or ("result" in answer) == ("error" in answer):
        raise BadAnswer("The server's answer is no JSON-RPC answer.")
    if answer.get("id") != message.id and not ("error" in answer and answer.get("id") is None):
        raise BadAnswer("The server answered another request than the one it was sent.")
    return {**answer, "id": message.id}


def _rpc_error(message: Message, code: int, text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message.id, "error": {"code": code, "message": text}}


def _json(value: dict[str, Any], headers: dict[str, str] | None = None) -> httpx2.Response:
    content = json.dumps(value).encode()
    return httpx2.Response(200, headers={**JSON_TYPE, **(headers or {})}, content=content)


def _session(response: httpcore2.Response) -> dict[str, str]:
    session = _header(response, b"mcp-session-id")
    return {"mcp-session-id": session} if session else {}


class _Stream(httpx2.AsyncByteStream):
    """Checked events towards the SDK; closing it closes the connection to the server."""

    def __init__(self, response: httpcore2.Response, source: AsyncIterator[bytes]) -> None:
        self._response, self._source = response, source

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._source

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._response.aclose()


def _stream(response: httpcore2.Response, source: AsyncIterator[bytes]) -> httpx2.Response:
    headers = {"content-type": "text/event-stream", **_session(response)}
    return httpx2.Response(200, headers=headers, stream=_Stream(response, source))


def _header(response: httpcore2.Response, name: bytes) -> str:
    for key, value in response.headers:
        if key.lower() == name:
            return value.decode("latin-1")
    return ""


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
