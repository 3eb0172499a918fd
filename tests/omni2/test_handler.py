"""Requests on kept threads: one that was given up must not hold up the next."""

import asyncio
import threading
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from omni2.handler import OneHopHandler

may_end = threading.Event()


def slow(request: HttpRequest) -> HttpResponse:
    may_end.wait(10)
    return HttpResponse("slow")


def fast(request: HttpRequest) -> HttpResponse:
    return HttpResponse("fast")


urlpatterns = [path("slow", slow), path("fast", fast)]


async def _get(handler: OneHopHandler, name: str) -> bytes:
    """The body of the answer to a client that stays."""
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": f"/{name}"}
    scope |= {"query_string": b"", "headers": [(b"host", b"localhost")]}
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "http.request"})
    bodies: list[bytes] = []

    async def send(message: Any) -> None:
        bodies.append(message.get("body", b""))

    await handler(scope, messages.get, send)
    return b"".join(bodies)


def test_a_thread_still_at_a_request_that_was_given_up_takes_no_other(settings: Any) -> None:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    may_end.clear()

    async def visit() -> bytes:
        handler = OneHopHandler()
        handler.load_middleware()
        given_up = asyncio.create_task(_get(handler, "slow"))
        await asyncio.sleep(0.2)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert given_up.cancelled()
        return await asyncio.wait_for(_get(handler, "fast"), 5)

    try:
        assert asyncio.run(visit()) == b"fast"
    finally:
        may_end.set()


def test_a_thread_serves_one_request_after_the_other(settings: Any) -> None:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []

    async def visit() -> int:
        handler = OneHopHandler()
        handler.load_middleware()
        assert [await _get(handler, "fast") for _ in range(3)] == [b"fast"] * 3
        return len(handler._idle)

    assert asyncio.run(visit()) == 1
