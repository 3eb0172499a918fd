"""Requests to the addresses that a server names. Each one goes through the guard, or not at all.

No redirects, no credential but what a request is given, JSON answers of at most 64 KiB, and a
deadline for each.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from registry.errors import AuthorizationFailed
from registry.mcp import guard, parsing, plain
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadAnswer, GuardRefused
from registry.mcp.loop import LoopThread

SECONDS = 10.0
LIMIT = 64 * 1024

_loop = LoopThread()


@dataclass(frozen=True)
class Said:
    """An answer: `document` is the JSON object in it, None where there is none."""

    status: int
    document: Mapping[str, Any] | None = None
    www_authenticate: str = field(default="", repr=False)


@dataclass(frozen=True)
class Web:
    """What may be asked: public https, and of the rest the `internal_addresses`.

    Every request raises UpstreamError: GuardRefused, Unreachable, TimedOut, BadAnswer.
    """

    internal_addresses: frozenset[str] = frozenset()

    def check(self, url: object, what: str) -> str:
        """The URL, if it is one that may be asked at all; its addresses are checked when it is.

        Raises AuthorizationFailed, naming `what` it should have been.
        """
        if not isinstance(url, str):
            raise AuthorizationFailed(f"{what} is missing")
        try:
            guard.check_scheme(guard.parse_url(url), self.internal_addresses)
        except GuardRefused as refused:
            raise AuthorizationFailed(f"{what} cannot be used: {refused.reason}") from None
        return url

    def get(self, url: str) -> Said:
        return self._ask("GET", url)

    def post(self, url: str, value: Mapping[str, Any], *, accept: str = "") -> Said:
        """POST the value as JSON."""
        headers = {"content-type": "application/json", "accept": accept or "application/json"}
        return self._ask("POST", url, headers, json.dumps(value).encode())

    def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Said:
        """POST the value as a form."""
        kind = {"content-type": "application/x-www-form-urlencoded", **headers}
        return self._ask("POST", url, kind, urlencode(form).encode())

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Said:
        sent = {"accept": "application/json", **(headers or {})}
        answer = _loop.run(lambda: self._send(method, url, sent, content), timeout=SECONDS)
        return Said(answer.status, _document(answer), answer.www_authenticate)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> plain.Answer:
        place = Endpoint(
            name="oauth", transport="http", url=url, internal_addresses=self.internal_addresses
        )
        there = plain.Plain(place, guard.resolve)
        try:
            return await there.send(
                method,
                plain.target_of(url),
                deadline=asyncio.get_running_loop().time() + SECONDS,
                headers=headers,
                content=content,
                limit=LIMIT,
            )
        finally:
            await there.close()


def _document(answer: plain.Answer) -> Mapping[str, Any] | None:
    try:
        value = parsing.parse(answer.body)
    except BadAnswer:
        return None
    return value if isinstance(value, dict) else None
