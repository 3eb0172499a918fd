"""One thread looks for all who wait, and wakes only whom it concerns."""

import threading
import time

import pytest

from registry.mcp.watching import Watcher


@pytest.fixture
def woken():
    return threading.Event()


@pytest.mark.parametrize("how", ["event", "callable"])
def test_who_waits_is_woken_when_their_stop_says_so(woken, how):
    stop = threading.Event()
    with Watcher().watching(stop if how == "event" else stop.is_set, woken.set):
        assert not woken.wait(0.12)
        stop.set()
        assert woken.wait(2)


def test_nobody_else_is_woken(woken):
    watcher, others = Watcher(), threading.Event()
    with watcher.watching(lambda: False, others.set), watcher.watching(lambda: True, woken.set):
        assert woken.wait(2)
    assert not others.is_set()


def test_who_has_left_is_not_woken(woken):
    stop = threading.Event()
    watcher = Watcher()
    with watcher.watching(stop, woken.set):
        pass
    stop.set()
    assert not woken.wait(0.12)


def test_a_stop_that_cannot_be_asked_wakes_its_own_and_the_others_are_watched_on(woken):
    def broken() -> bool:
        raise RuntimeError

    watcher, asked = Watcher(), threading.Event()
    with watcher.watching(broken, asked.set):
        assert asked.wait(2)
    with watcher.watching(lambda: True, woken.set):
        assert woken.wait(2)


def test_one_thread_looks_for_all_and_begins_when_somebody_waits():
    watcher = Watcher()
    before = threading.active_count()
    with watcher.watching(None, lambda: None):
        assert threading.active_count() == before
    with watcher.watching(lambda: False, print), watcher.watching(lambda: False, print):
        time.sleep(0.01)
        assert threading.active_count() == before + 1
