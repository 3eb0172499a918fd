"""The MCP client in front of us, as far as one request shows it: what it can be asked, and hears.

Between the server's thread and the client's event loop stands a queue. What the server says while
it works (progress, log messages) is sent on in the order it came, all of it before the result.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, get_args

import mcp_types as types
from django.core.cache import cache
from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from gateway.mcp_endpoint.caller import Caller, caller_of
from gateway.mcp_endpoint.threads import in_thread
from registry.mcp.behalf import Behalf, Hear
from registry.models import Server

Context = ServerRequestContext[Any, Any]
Said = tuple[str, Mapping[str, Any]]

LEVELS: tuple[str, ...] = get_args(types.LoggingLevel)
# A client of the handshake era sets its level once, and no session keeps it.
LEVEL_SECONDS = 3600
# A form is all that a server may show: an address to open is none of them.
_FORM: dict[str, Any] = {}
_PROGRESS = "notifications/progress"


@dataclass(frozen=True)
class Client:
    """Who asks, and by what kind of client.

    `capabilities` are what it declared with this request, `headers` those of the request, where
    arguments may be repeated. `answers` and `state` came along: what
    its person answered to what was asked before, and the state that was given out with that.
    """

    caller: Caller
    modern: bool
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    state: str | None = None
    headers: Mapping[str, str] | None = None
    log_level: str = ""
    hear: Hear | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def modern_of(
        cls,
        caller: Caller,
        params: Mapping[str, Any],
        *,
        meta: Mapping[str, Any],
        headers: Mapping[str, str] | None,
        **more: Any,
    ) -> "Client":
        """A client of the stateless generation, as this request's own parameters show it."""
        return cls(
            caller,
            True,
            capabilities=meta.get(types.CLIENT_CAPABILITIES_META_KEY) or {},
            answers=params.get("inputResponses") or {},
            state=params.get("requestState"),
            headers=headers,
            **more,
        )

    @property
    def can_be_asked(self) -> bool:
        """Whether its person can be shown a form."""
        return isinstance(self.capabilities.get("elicitation"), Mapping)

    def behalf(self, server: Server, more: Mapping[str, Any]) -> Behalf:
        """What this server may know and ask of it."""
        declared = {
            name: _FORM if name == "elicitation" else self.capabilities[name]
            for name in server.may_ask
            if isinstance(self.capabilities.get(name), Mapping)
        }
        return Behalf(declared, self.log_level, self.hear, more)


@asynccontextmanager
async def client_of(context: Context) -> AsyncIterator[Client]:
    """The client of a request, for as long as that lasts; whoever works for it is told to stop."""
    caller, params = caller_of(context), context.params or {}
    modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    meta = params.get("_meta") or {}
    level = meta.get(types.LOG_LEVEL_META_KEY) if modern else await _level_of(caller)
    said: asyncio.Queue[Said | None] = asyncio.Queue()
    wants_to_hear = bool(level) or meta.get("progressToken") is not None
    client = Client(
        caller,
        modern,
        capabilities=meta.get(types.CLIENT_CAPABILITIES_META_KEY) or {},
        answers=params.get("inputResponses") or {},
        state=params.get("requestState"),
        headers=context.request.headers if modern and context.request is not None else None,
        log_level=level or "",
        hear=_into(said) if wants_to_hear else None,
    )
    passing_on = asyncio.create_task(_pass_on(said, context, level or ""))
    try:
        yield client
        said.put_nowait(None)
        await passing_on
    finally:
        client.stop.set()
        passing_on.cancel()


def _into(said: asyncio.Queue[Said | None]) -> Hear:
    loop = asyncio.get_running_loop()

    def hear(method: str, params: Mapping[str, Any]) -> None:
        loop.call_soon_threadsafe(said.put_nowait, (method, params))

    return hear


async def _pass_on(said: asyncio.Queue[Said | None], context: Context, level: str) -> None:
    """Send on what is said, until there is no more."""
    while (one := await said.get()) is not None:
        method, params = one
        if method == _PROGRESS:
            await context.session.report_progress(
                params["progress"], params.get("total"), params.get("message")
            )
        elif level and _is_at_least(params.get("level"), level):
            await _log(context, params)


async def _log(context: Context, params: Mapping[str, Any]) -> None:
    message = types.LoggingMessageNotification(
        params=types.LoggingMessageNotificationParams(
            level=params["level"], data=params.get("data"), logger=str(params.get("logger") or "")
        )
    )
    await context.session.send_notification(message, related_request_id=context.request_id)


def _is_at_least(level: object, wanted: str) -> bool:
    return level in LEVELS and LEVELS.index(str(level)) >= LEVELS.index(wanted)


# --- The level of clients without a session -------------------------------------------------------
def keep_level(caller: Caller, level: str) -> None:
    """What the caller's clients with this key hear of log messages, for an hour."""
    cache.set(_place(caller), level, LEVEL_SECONDS)


async def _level_of(caller: Caller) -> str | None:
    return await in_thread(lambda: cache.get(_place(caller)))


def _place(caller: Caller) -> str:
    who = caller.asker.who
    return f"mcp-log-level:{caller.asker.user.pk}:{who.api_key}"
