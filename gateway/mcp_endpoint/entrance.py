"""The endpoint's front: what is no proper request of somebody we know goes no further.

In this order: method, Host and Origin (a page elsewhere must not reach us through a browser), the
address, who it is, then the body: read to its cap and parsed strictly, so that what is checked is
the very object that is acted on. The rest is the SDK's.
"""

import logging
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError
from django.http.request import split_domain_port, validate_host

from accounts import addresses, auth
from accounts.auth import Arrival
from accounts.models import ApiKey
from accounts.models.keys import KEY_PREFIX
from gateway.api_parsing import MAX_BYTES, Malformed, strict_loads
from gateway.mcp_endpoint import bearer, replies
from gateway.mcp_endpoint.caller import SCOPE_KEY, Caller
from gateway.mcp_endpoint.replies import Receive, Scope, Send, TurnedAway
from gateway.mcp_endpoint.threads import in_thread

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

log = logging.getLogger(__name__)

PATH = "/mcp"
SCOPE = ApiKey.Scope.TOOLS
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
        try:
            caller, body, message = await _admitted(scope, receive)
            if self._manager is None:
                raise TurnedAway(replies.unavailable())
        except TurnedAway as turned_away:
            await turned_away.reply(send)
            return
        inner = _inner_scope(scope, caller)
        if self._ready.is_in_order(inner, message):
            identity, envelope = message["id"], self._envelope
            written = await in_thread(lambda: self._ready.answer(caller, identity, envelope))
            await replies.send_json(send, 200, written)
            return
        await self._manager.handle_request(inner, _replay(body, receive), send)


async def _admitted(scope: Scope, receive: Receive) -> tuple[Caller, bytes, dict[str, Any]]:
    """Who asks, and what: a JSON-RPC message, as it came and parsed. Raises TurnedAway."""
    headers = {
        key.decode("latin-1"): value.strip(b" \t").decode("latin-1")
        for key, value in scope["headers"]
    }
    _check_request(scope["method"], headers)
    caller = await in_thread(lambda: _caller(scope, headers))
    body = await _body(receive)
    return caller, body, _message(body)


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
    server = arrival.path[len(PATH) + 1 :]
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
