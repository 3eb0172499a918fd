"""Plain HTTP to one origin, guarded, capped and timed: no JSON-RPC, no redirects.

A request names a target (path and query) and never a host, so it cannot lead anywhere else.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore2

from registry.mcp import answers, dialling, guard, parsing
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import Executed, TimedOut
from registry.mcp.large import Stay

EVENTS = "text/event-stream"
# Of these a length is expected, also when there is nothing (RFC 9110, section 8.6).
WRITES = ("POST", "PUT", "PATCH")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: `kind` is its media type in lower case, `body` is empty for a stream."""

    status: int
    kind: str = ""
    body: bytes = b""
    location: str = ""
    www_authenticate: str = ""


class Plain:
    """Requests to the origin of one endpoint, with the endpoint's own headers.

    Raises GuardRefused where plain http may not go.
    """

    def __init__(self, endpoint: Endpoint, resolver: guard.Resolver) -> None:
        self._origin = guard.parse_url(endpoint.url)
        guard.check_scheme(self._origin, endpoint.internal_addresses)
        self._pool = dialling.pool(endpoint, resolver)
        self._own = endpoint.headers
        self._name = endpoint.name

    async def send(
        self,
        method: str,
        target: str,
        *,
        deadline: float,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        limit: int = parsing.BYTE_LIMIT,
    ) -> Answer:
        """The whole answer. Raises Unreachable, BadAnswer, TooLarge among it, and TimedOut."""
        sent = False

        async def trace(event: str, info: Any) -> None:
            nonlocal sent
            sent = sent or event.endswith(".send_request_headers.started")

        length = len(content) if content or method in WRITES else None
        request = httpcore2.Request(
            method,
            self._url(target),
            headers=self._headers(headers or {}, length),
            content=content,
            extensions={"trace": trace},
        )
        try:
            async with asyncio.timeout_at(deadline):
                return await _read(await dialling.send(self._pool, request), limit, self._name)
        except TimeoutError:
            executed: Executed = "unknown" if sent else "no"
            raise TimedOut("The server did not answer in time.", executed=executed) from None

    async def close(self) -> None:
        await self._pool.aclose()

    def _url(self, target: str) -> httpcore2.URL:
        origin = self._origin
        return httpcore2.URL(
            scheme=origin.scheme, host=origin.host, port=origin.port, target=target
        )

    def _headers(self, headers: Mapping[str, str], length: int | None) -> list[tuple[str, str]]:
        fixed = {
            "host": self._origin.authority,
            "user-agent": "omni2",
            "accept-encoding": "identity",
        }
        if length is not None:
            fixed["content-length"] = str(length)
        # What the endpoint says of itself, its credential above all, is not for a caller to change.
        own = {name.lower(): value for name, value in self._own.items()}
        given = {name.lower(): value for name, value in headers.items()}
        return list((given | own | fixed).items())


async def fetch(
    endpoint: Endpoint, resolver: guard.Resolver, *, accept: str, seconds: float
) -> Answer:
    """What lies at the endpoint's address: one GET."""
    plain = Plain(endpoint, resolver)
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        return await plain.send(
            "GET", target_of(endpoint.url), headers={"accept": accept}, deadline=deadline
        )
    finally:
        await plain.close()


def target_of(url: str) -> str:
    """The path and query of a URL that the guard has passed."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


async def _read(response: httpcore2.Response, limit: int, server: str) -> Answer:
    kind = answers.kind_of(response)
    is_stream = kind == EVENTS
    if is_stream:
        await response.aclose()
    with Stay(server) as stay:
        body = b"" if is_stream else await answers.read(response, limit, stay=stay)
    return Answer(
        status=response.status,
        kind=kind,
        body=body,
        location=answers.header(response, b"location"),
        www_authenticate=answers.header(response, b"www-authenticate"),
    )
