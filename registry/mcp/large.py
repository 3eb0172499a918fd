"""Large answers are taken in a few at a time: read, each takes many times its length.

What a server sends beyond the first 128 KB is left on the wire until there is a place for it, in
the time of its call: two for each server, eight in all. Nothing else in the process runs while
Python reads JSON, so a server's place stays taken ten times as long again: its large answers come
later, and everybody else's calls hardly do.
"""

import asyncio
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from registry.mcp.pace import PIECE_SECONDS, paces

LARGE_BYTES = 128 * 1024
OF_A_SERVER, IN_ALL = 2, 8
REST = 10
LOOK_AGAIN = 0.01


class _Room:
    """The places of this process, for threads and event loops alike."""

    def __init__(self) -> None:
        self.clear()
        os.register_at_fork(after_in_child=self.clear)

    def clear(self) -> None:
        self._lock = threading.Lock()
        self._read = 0
        # Until when its places are taken, by server: while an answer is read, for ever.
        self._taken: dict[str, list[float]] = {}

    def enter(self, server: str) -> bool:
        """Take a place, if one is free."""
        with self._lock:
            now = time.monotonic()
            taken = [until for until in self._taken.get(server, ()) if until > now]
            self._taken[server] = taken
            if self._read >= IN_ALL or len(taken) >= OF_A_SERVER:
                return False
            taken.append(math.inf)
            self._read += 1
            return True

    def leave(self, server: str, *, rest: float) -> None:
        """Give a place back, which the server has again after the rest."""
        with self._lock:
            taken = self._taken.get(server, [])
            if math.inf in taken:
                taken[taken.index(math.inf)] = time.monotonic() + rest
                self._read -= 1


room = _Room()


class Stay:
    """One answer of a server while it is read: it takes a place when it turns out to be large."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._has_place = False
        self._seconds = 0.0

    def fits(self, size: int) -> bool:
        """Whether so many bytes may be held now; else nothing more is read until they may."""
        if not self._has_place and size > LARGE_BYTES:
            self._has_place = room.enter(self._server)
            return self._has_place
        return True

    async def grow_to(self, size: int) -> None:
        """Wait, in an event loop, until so many bytes may be held."""
        while not self.fits(size):
            await asyncio.sleep(LOOK_AGAIN)

    def wait_to_grow(self, size: int, look: Callable[[], object]) -> None:
        """Wait, in a thread, until so many bytes may be held; `look` raises when that is over."""
        while not self.fits(size):
            look()
            time.sleep(LOOK_AGAIN)

    async def come(self, size: int) -> None:
        """One more piece has come, so many bytes by now: the next is read when it may be."""
        await self.heard(PIECE_SECONDS)
        await self.grow_to(size)

    async def heard(self, seconds: float) -> None:
        """So much work went into what was no answer: more is read when that may be."""
        if rest := paces.of(self._server).spent(seconds):
            await asyncio.sleep(rest)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is done in the block is what the answer costs the others."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds += time.perf_counter() - started

    def leave(self) -> None:
        """Give the place back, if there is one: the server's own after a rest."""
        if self._has_place:
            room.leave(self._server, rest=REST * self._seconds)
        self._has_place, self._seconds = False, 0.0

    def __enter__(self) -> "Stay":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
