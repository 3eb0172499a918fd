"""A server has so many places in this process, and whoever finds none waits a moment only."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from registry import bulkhead
from registry.errors import ServerBusy
from registry.mcp.errors import Cancelled
from registry.models import Server


@pytest.fixture(autouse=True)
def _nothing_known():
    bulkhead.forget()


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


def queue_up(pool, number, over=None):
    """So many more who wait for a place, in the queue by now; they keep theirs until `over`."""

    def come() -> None:
        with place():
            if over is not None:
                over.wait(5)

    before = len(bulkhead._servers[7].waiting)
    waiting = [pool.submit(come) for _ in range(number)]
    end = time.monotonic() + 5
    while len(bulkhead._servers[7].waiting) < before + number and time.monotonic() < end:
        time.sleep(0.001)
    return waiting


def test_a_free_place_goes_to_whoever_waits_longest_and_nobody_else_is_woken():
    over = threading.Event()
    with ThreadPoolExecutor(3) as pool, place():
        with place():
            queue_up(pool, 1, over)
            queue_up(pool, 2, over)
            woken = [one._woken for one in bulkhead._servers[7].waiting]
        assert [event.is_set() for event in woken] == [True, False, False]
        over.set()
    assert bulkhead.taken() == {}


def test_nobody_queues_for_a_server_whose_calls_take_longer_than_one_waits(monkeypatch):
    monkeypatch.setattr(bulkhead, "WAIT_SECONDS", 0.05)
    with place():
        time.sleep(0.2)
    # Known by now: two places, 0.2 s each, and nobody waits longer than 0.05 s.
    with place(), place(), ThreadPoolExecutor(1) as pool:
        waiting = queue_up(pool, 1)
        started = time.monotonic()
        with pytest.raises(ServerBusy), place():
            pass
        assert time.monotonic() - started < 0.03
        with pytest.raises(ServerBusy):
            waiting[0].result(timeout=5)


def test_nobody_queues_for_a_server_that_has_begun_to_hang(monkeypatch):
    monkeypatch.setattr(bulkhead, "WAIT_SECONDS", 0.05)
    with place():
        pass
    with place(), place(), ThreadPoolExecutor(2) as pool:
        time.sleep(0.2)
        waiting = queue_up(pool, 1)
        with pytest.raises(ServerBusy), place():
            pass
        with pytest.raises(ServerBusy):
            waiting[0].result(timeout=5)


def test_of_a_server_that_is_not_known_yet_so_many_queue(monkeypatch):
    monkeypatch.setattr(bulkhead, "WAIT_SECONDS", 0.4)
    with place(), place(), ThreadPoolExecutor(bulkhead.QUEUE_OF_UNKNOWN) as pool:
        queue_up(pool, bulkhead.QUEUE_OF_UNKNOWN)
        started = time.monotonic()
        with pytest.raises(ServerBusy), place():
            pass
        assert time.monotonic() - started < 0.2


def test_a_stop_that_breaks_leaves_the_queue_in_order():
    def broken() -> bool:
        raise RuntimeError

    with place(), place():
        with pytest.raises(RuntimeError), place(stops=broken):
            pass
        assert not bulkhead._servers[7].waiting
    assert bulkhead.taken() == {}


def test_nobody_holds_a_database_connection_while_they_wait(transactional_db, monkeypatch):
    # As with PostgreSQL's pool, which every connection should go back to.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    held = []

    def stops() -> bool:
        held.append(connection.connection is not None)
        return True

    connection.close()
    connection.ensure_connection()
    with place(), place(), pytest.raises(Cancelled), place(stops=stops):
        pass
    assert held[0] is False
