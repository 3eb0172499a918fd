"""The threads in which the endpoint asks the database and waits for servers.

Outside of a request of Django's, asgiref would run all of it on one thread; and a thread here may
wait for a slow server for as long as its call lasts, so there are more of them than processors.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections

T = TypeVar("T")

THREADS = 64

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="omni2-mcp")


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` returns, run off the loop.

    When the caller is cancelled the work goes on: whoever can stop it tells it so.
    """
    return await begin(work)


def begin(work: Callable[[], T]) -> "asyncio.Future[T]":
    """The same, begun and not waited for."""
    return asyncio.get_running_loop().run_in_executor(_pool, _tidily, work)


def _tidily(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        close_old_connections()
