"""The endpoint's front: what is no proper request of somebody we know goes no further.

In this order: method, Host and Origin (a page elsewhere must not reach us through a browser), the
address, who it is, then the body: read to its cap and parsed strictly, so that what is checked is
the very object that is acted on. A small body is read along with its head, and looked into when it
is known who sent it. All of it, and the answer of `ready`, is the work of one thread; what that
leaves is the SDK's.
"""

import logging
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError
from django.http.request import split_domain_port, validate_host

from accounts import addresses, auth
from accounts.auth import Arrival
from accounts.models import ApiKey
from accounts.models.keys import KEY_PREFIX
from audit import looks
from gateway.api_parsing import MAX_BYTES, Malformed, strict_loads
from gateway.mcp_endpoint import bearer, replies
from gateway.mcp_endpoint.caller import SCOPE_KEY, Caller
from gateway.mcp_endpoint.replies import Receive, Scope, Send, TurnedAway
from gateway.mcp_endpoint.threads import begin, in_thread
from gateway.mcp_endpoint.waiting import Gone, Stream, Waiting, until_done

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

log = logging.getLogger(__name__)

PATH = "/mcp"
SCOPE = ApiKey.Scope.TOOLS
# A body up to here is read before it is known who sent it.
SMALL_BYTES = 64 * 1024
PARSE_ERROR, INVALID_REQUEST = -32700, -32600
# The credential ends here; nobody behind needs it, so nothing behind can pass it on.
KEPT_BACK = frozenset({b"authorization", b"cookie"})


def is_for(path: str) -> bool:
    """Whether a request to this path is the endpoint's."""
    return path == PATH or path.startswith(f"{PATH}/")


class Endpoint:
    """The endpoint as an ASGI application; it answers while `running` lasts."""

    def __init__(self) -> None:
        self._manager: StreamableHTTPSessionManager | None = None
        self._ready: Any = None
        self._envelope: dict[str, Any] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for as long as the block lasts. Loads the MCP SDK first (1 s)."""
        from mcp.server.streamable_http_manager import (  # noqa: PLC0415  loads the MCP SDK
            StreamableHTTPSessionManager,
        )

        from gateway.mcp_endpoint import ready, server  # noqa: PLC0415  loads the MCP SDK

        own = server.build()
        self._ready, self._envelope = ready, server.envelope(own)
        manager = StreamableHTTPSessionManager(
            own, stateless=True, json_response=False, max_request_body_size=MAX_BYTES
        )
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        waiting, stream = Waiting(), Stream(send)
        try:
            arrived = await _arrived(scope, receive)
            work = begin(lambda: self._worked(arrived, waiting))
            await until_done(work, waiting, receive, stream=stream)
            done = work.result()
        except TurnedAway as turned_away:
            await turned_away.reply(send)
        except Gone:
            return
        else:
            await self._send(done, arrived, receive, send=send, stream=stream)

    async def _send(
        self, done: Any, arrived: "_Arrived", receive: Receive, *, send: Send, stream: Stream
    ) -> None:
        """The answer, or what the SDK answers to a request that was left to it."""
        if isinstance(done, dict) and self._manager is not None:
            await self._manager.handle_request(done, _replay(arrived.body, receive), send)
        elif isinstance(done, dict):
            await replies.unavailable()(send)
        elif stream.has_begun:
            await stream.end(done.content)
        else:
            await replies.send_json(send, done.status, done.content)

    def _worked(self, arrived: "_Arrived", waiting: Waiting) -> Any:
        """The answer of `ready`, or the request for the SDK. Raises TurnedAway."""
        # Who asks and what they may is one decision, where one thread makes it.
        with looks.one_look():
            return self._decided(arrived, waiting)

    def _decided(self, arrived: "_Arrived", waiting: Waiting) -> Any:
        caller = arrived.caller or _caller(arrived.scope, arrived.headers)
        message = _message(arrived.body)
        if self._manager is None:
            raise TurnedAway(replies.unavailable())
        inner = _inner_scope(arrived.scope, caller)
        if not self._ready.is_in_order(inner, message):
            return inner
        waiting.is_admitted = True
        envelope = self._envelope
        return self._ready.answer(inner, message, caller=caller, envelope=envelope, waiting=waiting)


@dataclass(frozen=True)
class _Arrived:
    """A request as it came, its body read and not looked into; the caller, where known by now."""

    scope: Scope
    headers: Mapping[str, str]
    body: bytes
    caller: Caller | None


async def _arrived(scope: Scope, receive: Receive) -> _Arrived:
    """The request, and who it is from before a large body is read. Raises TurnedAway."""
    headers = {
        key.decode("latin-1"): value.strip(b" \t").decode("latin-1")
        for key, value in scope["headers"]
    }
    _check_request(scope["method"], headers)
    length = headers.get("content-length", "")
    is_small = length.isascii() and length.isdigit() and int(length[:9]) <= SMALL_BYTES
    caller = None if is_small else await in_thread(lambda: _caller(scope, headers))
    return _Arrived(scope, headers, await _body(receive), caller)


def _check_request(method: str, headers: Mapping[str, str]) -> None:
    """Raise TurnedAway for a request that nobody's credential would make a proper one."""
    if method != "POST":
        message = "This endpoint takes POST alone: it keeps no sessions and no streams."
        raise TurnedAway(replies.error(405, "method_not_allowed", message, allow="POST"))
    host, _ = split_domain_port(headers.get("host", ""))
    if not validate_host(host, settings.ALLOWED_HOSTS):
        raise TurnedAway(replies.error(421, "host", "Nobody of this name lives here."))
    if headers.get("origin") not in (None, settings.PUBLIC_URL, *_own_origins(headers["host"])):
        message = "Pages of other origins may not call this endpoint."
        raise TurnedAway(replies.error(403, "origin", message))


def _own_origins(host: str) -> tuple[str, str]:
    return f"http://{host}", f"https://{host}"


def _caller(scope: Scope, headers: Mapping[str, str]) -> Caller:
    """Who this is, judged by the `Authorization` header alone. Raises TurnedAway."""
    direct = str((scope.get("client") or [""])[0])
    arrival = Arrival(
        address=addresses.client_address(direct, headers.get("x-forwarded-for", "")),
        user_agent=headers.get("user-agent", "")[: auth.USER_AGENT_LENGTH],
        method=scope["method"],
        path=scope["path"],
    )
    try:
        if not addresses.may_come_in(arrival.address):
            addresses.note_refusal(arrival.address, arrival.method, path=arrival.path)
            message = "Nobody may come in from this address."
            raise TurnedAway(replies.error(403, "address", message))
        return _known(headers.get("authorization"), arrival)
    except auth.NotThisPerson as error:
        raise TurnedAway(replies.unknown_caller(arrival.path, str(error.detail))) from None
    except DatabaseError:
        log.exception("the database does not say who is calling")
        raise TurnedAway(replies.unavailable()) from None


def _known(authorization: str | None, arrival: Arrival) -> Caller:
    if authorization is None:
        message = "A credential is needed: Authorization: Bearer and an API key, omni2_…"
        raise TurnedAway(replies.unknown_caller(arrival.path, message))
    server = arrival.path[len(PATH) + 1 :].removesuffix("/")
    scheme, _, token = authorization.partition(" ")
    # By its form alone: what is no good as the one is never tried as the other.
    if bearer.enabled() and scheme.lower() == "bearer" and not token.startswith(f"{KEY_PREFIX}_"):
        return Caller.with_token(bearer.person_of(token, arrival), arrival, server=server)
    user, key = auth.prove(authorization, arrival)
    if SCOPE not in key.scopes:
        raise TurnedAway(replies.insufficient_scope(arrival.path, SCOPE))
    return Caller.with_key(user, key, arrival, server=server)


async def _body(receive: Receive) -> bytes:
    """The body, or its beginning where it is longer than may be."""
    body = bytearray()
    while len(body) <= MAX_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)


def _message(body: bytes) -> dict[str, Any]:
    """The one JSON-RPC message in the body. Raises TurnedAway where there is none."""
    if len(body) > MAX_BYTES:
        raise TurnedAway(replies.error(413, "too_large", "The body is larger than 1 MiB."))
    try:
        message = strict_loads(body)
    except Malformed as error:
        raise TurnedAway(replies.rpc_error(PARSE_ERROR, f"Parse error: {error}")) from None
    if not isinstance(message, dict):
        text = "A body is one JSON-RPC message: batches are not taken."
        raise TurnedAway(replies.rpc_error(INVALID_REQUEST, text))
    identity = message.get("id", "")
    if isinstance(identity, bool) or not isinstance(identity, str | int):
        text = "The id of a request is a string or an integer."
        raise TurnedAway(replies.rpc_error(INVALID_REQUEST, text))
    return message


def _inner_scope(scope: Scope, caller: Caller) -> Scope:
    """The request for the SDK: every path is one, blanks around values gone, the caller added."""
    headers = [
        (key, value.strip(b" \t")) for key, value in scope["headers"] if key not in KEPT_BACK
    ]
    return {**scope, "path": PATH, "headers": headers, SCOPE_KEY: caller}


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read, and after it whatever the server has to say of the connection."""
    waiting: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": body, "more_body": False}
    ]

    async def again() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return again
