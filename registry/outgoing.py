"""Requests to addresses outside that an administrator gave, such as webhooks; all by the guard.

One POST, no redirects, a deadline; of the answer nothing but its status is of interest.
"""

import asyncio
from collections.abc import Mapping

from django.conf import settings

from registry.mcp import guard, plain
from registry.mcp.endpoint import Endpoint
from registry.mcp.loop import LoopThread

SECONDS = 10.0
LIMIT = 64 * 1024

_loop = LoopThread()


def check(url: str) -> None:
    """Return if this URL may be sent to now. Raises GuardRefused with the reason."""
    guard.check_url(url, settings.INTERNAL_ADDRESSES)


def post(url: str, content: bytes, headers: Mapping[str, str], *, seconds: float = SECONDS) -> int:
    """The status that a POST is answered with.

    Raises UpstreamError: GuardRefused, Unreachable, TimedOut, BadAnswer, TooLarge.
    """
    return _loop.run(lambda: _post(url, content, headers, seconds), timeout=seconds)


async def _post(url: str, content: bytes, headers: Mapping[str, str], seconds: float) -> int:
    place = Endpoint(
        name="outgoing",
        transport="http",
        url=url,
        internal_addresses=frozenset(settings.INTERNAL_ADDRESSES),
    )
    there = plain.Plain(place, guard.resolve)
    try:
        answer = await there.send(
            "POST",
            plain.target_of(url),
            deadline=asyncio.get_running_loop().time() + seconds,
            headers=headers,
            content=content,
            limit=LIMIT,
        )
    finally:
        await there.close()
    return answer.status
