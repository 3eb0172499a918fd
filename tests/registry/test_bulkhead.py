"""A server has so many places in this process, and whoever finds none waits a moment only."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from registry import bulkhead
from registry.errors import ServerBusy
from registry.mcp.errors import Cancelled
from registry.models import Server

SERVER = Server(pk=7, name="slow", concurrent_calls=2)


def place(server=SERVER, *, deadline=math.inf, stops=lambda: False):
    return bulkhead.place(server, deadline=deadline, stops=stops)


def test_who_finds_no_place_waits_a_moment_and_is_told(monkeypatch):
    monkeypatch.setattr(bulkhead, "WAIT_SECONDS", 0.1)
    with place(), place():
        assert bulkhead.taken() == {7: 2}
        with pytest.raises(ServerBusy) as raised, place():
            pass
        assert (raised.value.executed, raised.value.status) == ("no", 503)
        with pytest.raises(ServerBusy), place(deadline=time.monotonic()):
            pass
        with place(Server(pk=8, concurrent_calls=1)):
            pass
    assert bulkhead.taken() == {}


def test_nobody_waits_for_a_call_that_is_not_wanted_any_more():
    with place(), place(), pytest.raises(Cancelled) as raised, place(stops=lambda: True):
        pass
    assert raised.value.executed == "no"


def test_a_place_that_becomes_free_is_taken_and_a_failure_frees_it():
    with pytest.raises(ValueError), place():
        raise ValueError
    ended = threading.Event()

    def wait() -> dict[int, int]:
        with place():
            ended.set()
            return bulkhead.taken()

    with ThreadPoolExecutor(1) as pool, place():
        with place():
            waiting = pool.submit(wait)
            assert not ended.wait(0.05)
        assert waiting.result(timeout=5) == {7: 2}
    assert bulkhead.taken() == {}


def test_more_places_count_from_the_next_call_on():
    with place(), place(), place(Server(pk=7, name="slow", concurrent_calls=3)):
        assert bulkhead.taken() == {7: 3}


def test_of_many_at_once_no_more_are_let_in():
    most = []

    def call(_: int) -> None:
        with place():
            most.append(bulkhead.taken()[7])
            time.sleep(0.002)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, range(40)))
    assert max(most) == 2
