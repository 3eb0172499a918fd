"""How many calls of this process one server may have at a time, so that a slow one takes no more.

Whoever finds all places taken waits a moment for one, never as long as the call itself might take:
threads that wait for a slow server are missing for the others.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from registry.errors import ServerBusy
from registry.mcp.errors import Cancelled
from registry.models import Server

WAIT_SECONDS = 2.0
LOOK_AGAIN = 0.05

_taken: dict[int, int] = {}
_changed = threading.Condition()


@contextmanager
def place(server: Server, *, deadline: float, stops: Callable[[], bool]) -> Iterator[None]:
    """Hold one of the server's places. Raises `ServerBusy`, or `Cancelled` when `stops` says so.

    How many there are is read from the row each time: a change counts from the next call on.
    """
    latest = min(deadline, time.monotonic() + WAIT_SECONDS)
    with _changed:
        while _taken.get(server.pk, 0) >= server.concurrent_calls:
            if stops():
                raise Cancelled("Nobody waits for this call any more.", executed="no")
            if time.monotonic() >= latest:
                raise ServerBusy(
                    f"server {server.name} has all {server.concurrent_calls} of its places taken",
                    hint="Try again in a moment; `concurrent_calls` of the server says how many.",
                )
            _changed.wait(LOOK_AGAIN)
        _taken[server.pk] = _taken.get(server.pk, 0) + 1
    try:
        yield
    finally:
        with _changed:
            _taken[server.pk] -= 1
            if not _taken[server.pk]:
                del _taken[server.pk]
            _changed.notify_all()


def taken() -> dict[int, int]:
    """The places that are taken now, by the servers' ids."""
    with _changed:
        return dict(_taken)


def _forget() -> None:
    """In a forked process nothing is under way, and a lock of the parent's may be held for ever."""
    global _changed
    _changed = threading.Condition()
    _taken.clear()


os.register_at_fork(after_in_child=_forget)
