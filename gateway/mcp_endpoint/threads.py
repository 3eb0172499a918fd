"""The threads in which the endpoint asks the database and waits for servers.

Outside of a request of Django's, asgiref would run all of it on one thread; and a thread here may
wait for a slow server for as long as its call lasts, so there are more of them than processors.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import close_old_connections

T = TypeVar("T")

THREADS = 64


@dataclass(eq=False)
class _Work:
    """What somebody wants run, and where they are told how it ended."""

    run: Callable[[], Any]
    ended: "Future[Any]"

    def carry_out(self) -> None:
        if not self.ended.set_running_or_notify_cancel():
            return
        try:
            result = self.run()
        except BaseException as error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(result)


class LastUsedFirst(Executor):
    """At most so many threads, of which the one that ended its work last is the next to get some.

    Its database connection still knows what it read, and the processor its memory. An executor of
    many threads takes them by turns, and wakes another one in vain for each work.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._lock = threading.Lock()
        self._made = 0
        self._idle: list[ThreadPoolExecutor] = []
        self._waiting: deque[_Work] = deque()

    def submit(self, fn: Callable[..., T], /, *args: Any, **options: Any) -> "Future[T]":
        """Have it run; in the order in which they came where all threads have work."""
        work = _Work(lambda: fn(*args, **options), Future())
        with self._lock:
            if self._idle:
                thread = self._idle.pop()
            elif self._made < self._most:
                thread = ThreadPoolExecutor(1, f"{self._name}-{self._made}")
                self._made += 1
            else:
                self._waiting.append(work)
                return work.ended
        thread.submit(self._carry_out, thread, work)
        return work.ended

    def _carry_out(self, thread: ThreadPoolExecutor, first: _Work) -> None:
        work: _Work | None = first
        while work is not None:
            work.carry_out()
            with self._lock:
                work = self._waiting.popleft() if self._waiting else None
                if work is None:
                    self._idle.append(thread)


_pool = LastUsedFirst(THREADS, "omni2-mcp")


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
