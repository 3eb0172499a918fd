"""HTTP answers of a server, read with care and made into what the SDK expects."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
import httpcore2
import httpx2

from audit.numerals import is_digits
from registry.mcp import parsing
from registry.mcp.body import Body
from registry.mcp.errors import BadAnswer, HttpRefused, Unreachable
from registry.mcp.large import Stay

# Of an error's body only this much is read.
ERROR_BODY_LIMIT = 64 * 1024
MOST_PIECES = 1_000
BROKEN = (httpcore2.NetworkError, httpcore2.ProtocolError)


@dataclass(frozen=True)
class Message:
    """The JSON-RPC message in a POST; `id` is None where no answer is due."""

    method: str
    id: Any


class HasHead(Protocol):
    """An HTTP answer as far as its head: status and headers, however it came."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]: ...


@dataclass(frozen=True)
class Head:
    """The head of an HTTP answer."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]


def message_of(request: httpx2.Request) -> Message:
    """What the SDK is about to send."""
    body = json.loads(request.content)
    method = body.get("method", "")
    return Message(method, body.get("id") if method else None)


async def read(
    response: httpcore2.Response, limit: int, *, stay: Stay | None = None, cut: bool = False
) -> bytes:
    """The body, closed afterwards. Raises TooLarge over the limit, or cuts there.

    A length over the limit is refused unread; a large body waits for a place where `stay` is given.
    """
    pieces = 0
    with Body() as body:
        try:
            if not cut:
                check_length(response, limit)
            async for chunk in response.aiter_stream():
                body.add(chunk)
                if body.size > limit:
                    break
                pieces += 1
                if stay is not None:
                    await stay.come(body.size)
                elif pieces > MOST_PIECES:
                    break
            if not cut:
                parsing.check_size(body.size, limit)
            return body.first(limit)
        except BROKEN:
            raise Unreachable("The connection broke before the answer was whole.") from None
        finally:
            await response.aclose()


def check_length(response: HasHead, limit: int) -> None:
    """Raise TooLarge where the answer says that it has more bytes, before any is read."""
    length = header(response, b"content-length")
    # No number, or one that is no length of anything, is for HTTP to refuse.
    if is_digits(length, 19):
        parsing.check_size(int(length), limit)


def session_is_gone(status: int, error: dict[str, Any] | None) -> bool:
    """Whether this refusal of a request with a session means that the session is unknown."""
    # Servers on the TypeScript SDK say 400 with words where the specification says 404.
    words = str((error or {}).get("message", "")).lower()
    return status == 404 or (status == 400 and "session" in words)


def check_encoding(response: HasHead) -> None:
    """Raise BadAnswer for a compressed answer, which nobody asked for."""
    encoding = header(response, b"content-encoding").strip().lower()
    if encoding not in ("", "identity"):
        raise BadAnswer(f"The server compressed its answer ({encoding[:20]}), unasked.")


def kind_of(response: HasHead) -> str:
    """The media type in lower case, without its parameters."""
    return header(response, b"content-type").partition(";")[0].strip().lower()


def refusal(response: HasHead, body: bytes, message: Message) -> dict[str, Any]:
    """The JSON-RPC error that the server sent with its 4xx. Raises HttpRefused where it is none."""
    error = rpc_error_in(body)
    turned_away = response.status in (401, 403, 407, 429) or response.status >= 500
    if error is None or turned_away:
        raise http_refused(response, body)
    return {"jsonrpc": "2.0", "id": message.id, "error": error}


def http_refused(response: HasHead, body: bytes) -> HttpRefused:
    """The error for a status that is no success; its message holds nothing of the body."""
    why = ": redirects are not followed" if 300 <= response.status < 400 else ""
    return HttpRefused(
        f"The server answered HTTP {response.status}{why}.",
        status=response.status,
        www_authenticate=header(response, b"www-authenticate"),
        detail=parsing.excerpt(body),
    )


def not_json(response: HasHead, body: bytes) -> BadAnswer:
    """The error for a success that is neither JSON nor a stream."""
    text = f"The server answered HTTP {response.status} with something else than JSON."
    return BadAnswer(text, detail=parsing.excerpt(body))


def rpc_error_in(body: bytes) -> dict[str, Any] | None:
    """The JSON-RPC error in the body of an HTTP error, if it has one."""
    try:
        value = parsing.parse(body)
    except BadAnswer:
        return None
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return None
    return {**error, "message": str(error.get("message", ""))}


def correlated(answer: Any, message: Message) -> dict[str, Any]:
    """The answer, if it is one and to this request. Raises BadAnswer."""
    if not isinstance(answer, dict) or ("result" in answer) == ("error" in answer):
        raise BadAnswer("The server's answer is no JSON-RPC answer.")
    parsing.message(answer)
    if answer.get("id") != message.id and not ("error" in answer and answer.get("id") is None):
        raise BadAnswer("The server answered another request than the one it was sent.")
    return {**answer, "id": message.id}


def rpc_error(message: Message, code: int, text: str) -> dict[str, Any]:
    """An error as the server might have sent it, so that the SDK ends this request and no other."""
    return {"jsonrpc": "2.0", "id": message.id, "error": {"code": code, "message": text}}


def as_json(value: dict[str, Any], headers: dict[str, str] | None = None) -> httpx2.Response:
    """A JSON answer for the SDK."""
    content = json.dumps(value).encode()
    kind = {"content-type": "application/json"}
    return httpx2.Response(200, headers={**kind, **(headers or {})}, content=content)


def session_header(response: httpcore2.Response) -> dict[str, str]:
    """The session id the server gave out, if any, as a header for the SDK."""
    session = header(response, b"mcp-session-id")
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


def as_stream(response: httpcore2.Response, source: AsyncIterator[bytes]) -> httpx2.Response:
    """A stream of checked events for the SDK."""
    headers = {"content-type": "text/event-stream", **session_header(response)}
    return httpx2.Response(200, headers=headers, stream=_Stream(response, source))


def header(response: HasHead, name: bytes) -> str:
    """A header's value, "" where there is none; `name` in lower case."""
    for key, value in response.headers:
        if key.lower() == name:
            return value.decode("latin-1")
    return ""
