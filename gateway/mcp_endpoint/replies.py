"""The endpoint's answers to what never becomes a JSON-RPC request of somebody we know."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from accounts.auth import CHALLENGE
from gateway import errors

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[Any], Awaitable[None]]

METADATA_PATH = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True)
class Reply:
    """A whole answer, sent by calling it."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, send: Send) -> None:
        await send_json(send, self.status, json.dumps(self.body).encode(), headers=self.headers)


async def send_json(
    send: Send, status: int, content: bytes, *, headers: Mapping[str, str] | None = None
) -> None:
    """A whole answer that is JSON, and for no cache."""
    said = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Cache-Control": "private, no-store",
        **(headers or {}),
    }
    raw = [(key.lower().encode(), value.encode("latin-1")) for key, value in said.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


class TurnedAway(Exception):
    """The request goes no further; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def error(status: int, code: str, message: str, **headers: str) -> Reply:
    """An error in the shape of every other door's."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Reply(status, errors.body(code, message), named)


def rpc_error(code: int, message: str) -> Reply:
    """The JSON-RPC error for a body in which no request was found."""
    return Reply(400, {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}})


def unavailable() -> Reply:
    return error(503, "unavailable", "OMNI2 cannot answer now; try again.", retry_after="5")


def unknown_caller(path: str, message: str) -> Reply:
    """Who this is is not known (RFC 6750, RFC 9728): where a client finds out how to be."""
    challenge = f'{CHALLENGE}, resource_metadata="{metadata_url(path)}"'
    return error(401, "unauthenticated", message, www_authenticate=challenge)


def insufficient_scope(path: str, scope: str) -> Reply:
    """The credential is good, but not for this."""
    challenge = (
        f'{CHALLENGE}, error="insufficient_scope", scope="{scope}",'
        f' resource_metadata="{metadata_url(path)}"'
    )
    return error(403, "scope", f"This key lacks the scope {scope}.", www_authenticate=challenge)


def metadata_url(path: str) -> str:
    """Where the metadata of the resource at this path is (RFC 9728, section 3.1)."""
    return f"{settings.PUBLIC_URL}{METADATA_PATH}{path}"
