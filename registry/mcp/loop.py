"""One event loop in a daemon thread per process, started when it is first needed.

After a fork the child has no such thread; it forgets its copy and starts its own.
"""

import asyncio
import concurrent.futures
import os
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from registry.mcp.errors import Cancelled, TimedOut
from registry.mcp.watching import LOOK_SECONDS, Stop, asker, watcher

T = TypeVar("T")
Awaited = concurrent.futures.Future[T]

# The deadline is kept inside the loop; a waiting thread gives the loop this much longer.
GRACE_SECONDS = 1.0


class LoopThread:
    """Runs coroutines for synchronous callers."""

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Drop the loop without touching it: in a forked child its thread does not exist."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def started(self) -> bool:
        return self._loop is not None

    def run(
        self,
        work: Callable[[], Coroutine[Any, Any, T]],
        *,
        timeout: float,
        stop: Stop | None = None,
    ) -> T:
        """The coroutine's result; ends within `timeout` plus a second, whatever it does.

        Raises Cancelled soon after `stop` says so, TimedOut where the work outlived its time.
        """
        asked = asker(stop)
        if asked is not None and asked():
            raise Cancelled("The call was cancelled before it began.", executed="no")
        future = asyncio.run_coroutine_threadsafe(work(), self._running_loop())
        deadline = time.monotonic() + timeout + GRACE_SECONDS
        try:
            # Most calls end before it would be worth having anybody watch over them.
            with suppress(concurrent.futures.TimeoutError):
                return future.result(min(timeout + GRACE_SECONDS, LOOK_SECONDS))
            if future.done():
                return future.result()
            with watcher.watching(stop, future.cancel):
                return _result(future, deadline, asked)
        except concurrent.futures.TimeoutError:
            if future.done():
                return future.result()
            raise TimedOut(f"No answer within {timeout:g} s.") from None
        finally:
            future.cancel()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                threading.Thread(target=loop.run_forever, name="mcp-client", daemon=True).start()
                self._loop = loop
            return self._loop


def _result(future: Awaited[T], deadline: float, asked: Callable[[], bool] | None) -> T:
    """The result, waited for until the deadline. Raises Cancelled, or what `asked` raises."""
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except concurrent.futures.CancelledError:
        if asked is not None and asked():
            raise Cancelled("The call was cancelled.") from None
        raise
