"""One thread that looks for all who wait whether they still should.

A waiting thread cannot be woken by an event it does not wait for. If each looked by itself, twenty
times a second, a hundred of them at one hanging server would be two thousand looks a second, which
the calls beside them pay for.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Stop = Callable[[], bool] | threading.Event

# How soon after a stop, at the latest, somebody is woken.
LOOK_SECONDS = 0.05


class Watcher:
    """Wakes those whose stop says so; its thread begins with the first and sleeps without any."""

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """In a forked child the thread does not exist, and nobody waits."""
        self._some = threading.Condition()
        self._watched: dict[object, tuple[Callable[[], bool], Callable[[], object]]] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, stop: Stop | None, wake: Callable[[], object]) -> Iterator[None]:
        """Have `wake` called once, on another thread, when `stop` says so within the block.

        Also when asking it fails: whoever waits asks again, and meets the error.
        """
        says_stop = asker(stop)
        if says_stop is None:
            yield
            return
        key = object()
        with self._some:
            self._watched[key] = (says_stop, wake)
            self._begin()
            self._some.notify()
        try:
            yield
        finally:
            with self._some:
                self._watched.pop(key, None)

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="stop-watcher", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        while True:
            with self._some:
                while not self._watched:
                    self._some.wait()
                watched = list(self._watched.items())
            for key, (says_stop, wake) in watched:
                if _is_over(says_stop):
                    with self._some:
                        is_mine = self._watched.pop(key, None) is not None
                    if is_mine:
                        wake()
            time.sleep(LOOK_SECONDS)


def asker(stop: Stop | None) -> Callable[[], bool] | None:
    """What says whether to stop; None where nobody can."""
    return stop.is_set if isinstance(stop, threading.Event) else stop


def _is_over(says_stop: Callable[[], bool]) -> bool:
    try:
        return says_stop()
    except Exception:
        return True


watcher = Watcher()
