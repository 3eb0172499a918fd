"""Work spread over several processes, its results in the order in which it was given out.

Processes are begun anew (a fork would share the parent's connections and threads), and only for
work that is worth the second this takes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import django
from django.db import connection, connections

Given = TypeVar("Given")
Result = TypeVar("Result")

# Given out beyond what each process works on, so that none waits.
AHEAD = 2
# Done by this process itself, before others are begun.
ALONE = 2


class Spread:
    """Calls a function of a module with one thing after the other, in so many processes."""

    def __init__(self, processes: int, *, alone: int = ALONE) -> None:
        self._processes = processes
        self._alone = alone

    def __call__(
        self, work: Callable[[Given], Result], things: Iterable[Given]
    ) -> Iterator[Result]:
        """The results, in order; what `things` or `work` raises comes after those before it."""
        rest = iter(things)
        for _, thing in zip(range(self._alone), rest, strict=False):
            yield work(thing)
        if self._processes == 1:
            yield from map(work, rest)
            return
        for thing in rest:
            yield from self._in_processes(work, thing, rest)

    def _in_processes(
        self, work: Callable[[Given], Result], first: Given, rest: Iterator[Given]
    ) -> Iterator[Result]:
        name = str(connection.settings_dict["NAME"])
        with ProcessPoolExecutor(
            self._processes, get_context("spawn"), initializer=_begin, initargs=(name,)
        ) as pool:
            coming = deque([pool.submit(work, first)])
            try:
                for thing in rest:
                    coming.append(pool.submit(work, thing))
                    if len(coming) >= self._processes + AHEAD:
                        yield coming.popleft().result()
            except GeneratorExit:
                _drop(coming)
                raise
            except Exception:
                yield from (future.result() for future in coming)
                raise
            yield from (future.result() for future in coming)


def _drop(futures: Iterable[Future[Result]]) -> None:
    for future in futures:
        future.cancel()


def _begin(name: str) -> None:
    """In a new process: the same database, which in tests is another than the settings say."""
    connections.settings["default"]["NAME"] = name
    django.setup()
