"""A client that waits while a thread works for it.

An answer that is soon there is sent whole. One that takes longer is sent as a stream: pings keep it
open on its way through proxies, and a client that goes away is noticed, and whoever works for it is
told to stop. All of it is what the SDK does with a request that it serves itself.
"""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any

from gateway.mcp_endpoint.replies import Receive, Send

# Until then a client is not listened to: most answers are there by then.
QUICK_SECONDS = 0.05
PING_SECONDS = 15.0
PING = b": ping\r\n\r\n"
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"connection", b"keep-alive"),
    (b"x-accel-buffering", b"no"),
]


class Gone(Exception):
    """The client has gone; nothing can be answered any more."""


@dataclass
class Waiting:
    """What the thread and the loop know of each other.

    `stop` is set when nobody waits any more. A stream may begin once it `is_admitted`: before that
    the answer may still be a refusal, which has a status of its own.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    is_admitted: bool = False


class Stream:
    """The answer as a stream of events, begun when it is first needed."""

    def __init__(self, send: Send) -> None:
        self._send, self.has_begun = send, False

    async def ping(self) -> None:
        if not self.has_begun:
            self.has_begun = True
            start = {"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS}
            await self._send(start)
        await self._send({"type": "http.response.body", "body": PING, "more_body": True})

    async def end(self, message: bytes) -> None:
        """The one message of the stream, and its end."""
        event = b"event: message\r\ndata: %b\r\n\r\n" % message
        await self._send({"type": "http.response.body", "body": event, "more_body": False})


async def until_done(
    work: asyncio.Future[Any], waiting: Waiting, receive: Receive, *, stream: Stream
) -> None:
    """Wait for the work, which is not looked into; pings go out meanwhile. Raises Gone."""
    try:
        done, _ = await asyncio.wait([work], timeout=QUICK_SECONDS)
        if not done:
            await _until_done(work, waiting, receive, stream=stream)
    finally:
        waiting.stop.set()


async def _until_done(
    work: asyncio.Future[Any], waiting: Waiting, receive: Receive, *, stream: Stream
) -> None:
    gone = asyncio.ensure_future(_gone(receive))
    try:
        while True:
            done, _ = await asyncio.wait(
                [work, gone], timeout=PING_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if work in done:
                return
            if gone in done:
                # Nobody is told how it ended; its journal is.
                work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                raise Gone
            if waiting.is_admitted:
                await stream.ping()
    finally:
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
