"""How many calls of this process one server may have at a time, so that a slow one takes no more.

Whoever finds all places taken waits a moment for one, never as long as the call itself might take,
and not at all where the queue is longer than that moment: threads that wait for a slow server are
missing for the others.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from registry.errors import ServerBusy
from registry.mcp.errors import Cancelled
from registry.mcp.watching import watcher
from registry.models import Server
from registry.waiting import release_connection

WAIT_SECONDS = 2.0
# Who may wait for a server of which it is not known yet how long its calls take.
QUEUE_OF_UNKNOWN = 24
# How much the last call counts in what is known of how long they take.
WEIGHT = 0.2


class _Places:
    """The places of one server, and who waits for one; whoever came first goes first."""

    def __init__(self) -> None:
        self.taken = 0
        self.most = 0
        self.waiting: deque[_Waiting] = deque()
        self._entered = 0.0  # the sum of the moments at which those inside came in
        self._usual: float | None = None

    def take(self) -> float:
        """Take a free place; the moment is to be given back with it."""
        now = time.monotonic()
        self.taken += 1
        self._entered += now
        return now

    def give_back(self, entered: float) -> None:
        """The place of a call that came in then is free, for whoever has waited longest."""
        seconds = time.monotonic() - entered
        before = seconds if self._usual is None else self._usual
        self._usual = before + WEIGHT * (seconds - before)
        self.taken -= 1
        self._entered -= entered
        self.let_in()

    def let_in(self) -> None:
        """Give free places to those who have waited longest, and wake nobody else."""
        while self.waiting and self.taken < self.most:
            self.waiting.popleft().enter(self.take())

    def turn_of(self, waiting: "_Waiting") -> float | None:
        """Since when they have a place; None, and they leave the queue, where they have none."""
        if waiting.entered is None:
            self.waiting.remove(waiting)
        return waiting.entered

    @property
    def longest_queue(self) -> float:
        """How many can wait and still have their turn in time, as it looks now."""
        if self._usual is None:
            return QUEUE_OF_UNKNOWN
        age = time.monotonic() - self._entered / self.taken if self.taken else 0.0
        return WAIT_SECONDS * self.most / max(self._usual, age, 1e-6)


class _Waiting:
    """Somebody who waits for a place."""

    def __init__(self) -> None:
        self.entered: float | None = None
        self._woken = threading.Event()

    def enter(self, now: float) -> None:
        self.entered = now
        self._woken.set()

    def wait(self, seconds: float, stops: Callable[[], bool]) -> None:
        """Until there is a place, the time is over, or `stops` says so."""
        if not stops():
            with watcher.watching(stops, self._woken.set):
                self._woken.wait(max(0.0, seconds))


_servers: dict[int, _Places] = {}
_lock = threading.Lock()


@contextmanager
def place(server: Server, *, deadline: float, stops: Callable[[], bool]) -> Iterator[None]:
    """Hold one of the server's places. Raises `ServerBusy`, or `Cancelled` when `stops` says so.

    How many there are is read from the row each time: a change counts from the next call on.
    """
    places, place = _enter(server)
    if isinstance(place, _Waiting):
        place = _wait(server, places, waiting=place, deadline=deadline, stops=stops)
    try:
        yield
    finally:
        with _lock:
            places.give_back(place)


def taken() -> dict[int, int]:
    """The places that are taken now, by the servers' ids."""
    with _lock:
        return {pk: places.taken for pk, places in _servers.items() if places.taken}


def forget() -> None:
    """Nothing is under way, and nothing is known: in a forked process, and between tests."""
    global _lock
    # The parent's may be held for ever.
    _lock = threading.Lock()
    _servers.clear()


def _enter(server: Server) -> tuple[_Places, float | _Waiting]:
    """A place, or a turn in the queue for one. Raises `ServerBusy` where that is too long."""
    with _lock:
        places = _servers.setdefault(server.pk, _Places())
        places.most = server.concurrent_calls
        places.let_in()
        if places.taken < places.most:
            return places, places.take()
        if len(places.waiting) >= places.longest_queue:
            raise _busy(server)
        waiting = _Waiting()
        places.waiting.append(waiting)
        return places, waiting


def _wait(
    server: Server,
    places: _Places,
    *,
    waiting: _Waiting,
    deadline: float,
    stops: Callable[[], bool],
) -> float:
    """The place, when its turn comes in time; otherwise the turn is given up."""
    # So many who wait for one server would otherwise hold all that others need.
    release_connection()
    try:
        waiting.wait(min(WAIT_SECONDS, deadline - time.monotonic()), stops)
    except BaseException:
        with _lock:
            entered = places.turn_of(waiting)
            if entered is not None:
                places.give_back(entered)
        raise
    with _lock:
        entered = places.turn_of(waiting)
    if entered is not None:
        return entered
    if stops():
        raise Cancelled("Nobody waits for this call any more.", executed="no")
    raise _busy(server)


def _busy(server: Server) -> ServerBusy:
    return ServerBusy(
        f"server {server.name} has all {server.concurrent_calls} of its places taken",
        hint="Try again in a moment; `concurrent_calls` of the server says how many.",
    )


os.register_at_fork(after_in_child=forget)
