"""Django's ASGI handler, run the way our views are written: each request on one thread, in one hop.

As shipped, every middleware hops between the loop and a thread made for the request, which then
opens a database connection of its own. Here the whole chain runs on a thread that is kept, and the
connection with it. An async view's streamed body is still iterated on the loop.
"""

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class OneHopHandler(ASGIHandler):
    """`ASGIHandler` with a synchronous middleware chain on threads that outlive their requests."""

    def __init__(self) -> None:
        super().__init__()
        self._idle: list[ThreadPoolExecutor] = []

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"There is nothing here for {scope['type']}.")
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "omni2-request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
        except BaseException:
            # Given up by the server: the thread may still be at it, and must take no other request.
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)
            raise
        self._idle.append(thread)


def get_application() -> OneHopHandler:
    """Set Django up and return its handler, as `django.core.asgi.get_asgi_application` does."""
    django.setup(set_prefix=False)
    return OneHopHandler()
