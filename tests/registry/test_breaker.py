"""The breaker: five failures close the way, and one probe in total tries it again."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from registry import breaker
from registry.errors import BreakerOpen
from registry.models import Breaker, Server
from tests.registry.fixtures import a_server


@pytest.fixture
def server(db: None) -> Server:
    return a_server("http://x.example.com")


def fail(server: Server, times: int) -> None:
    for _ in range(times):
        breaker.failed(server)


def pause_is_over(server: Server) -> None:
    Breaker.objects.filter(server=server).update(closed_until=Now() - timedelta(seconds=1))


def may_call(server: Server) -> bool:
    try:
        breaker.admit(server)
    except BreakerOpen:
        return False
    return True


@pytest.mark.parametrize(("failures", "admitted"), [(0, True), (4, True), (5, False), (9, False)])
def test_five_failures_in_a_row_close_the_way(
    server: Server, failures: int, admitted: bool
) -> None:
    fail(server, failures)
    assert may_call(server) is admitted


def test_a_success_between_starts_the_count_anew(server: Server) -> None:
    fail(server, 4)
    breaker.succeeded(server)
    fail(server, 4)
    assert may_call(server)


def test_it_says_how_long_to_wait(server: Server) -> None:
    fail(server, 5)
    with pytest.raises(BreakerOpen, match="server crm has failed 5 times in a row") as raised:
        breaker.admit(server)
    assert 28 < raised.value.retry_after <= 30
    assert (raised.value.code, raised.value.status, raised.value.executed) == (
        "server_unavailable",
        503,
        "no",
    )


def test_servers_do_not_share_a_breaker(server: Server) -> None:
    fail(server, 5)
    assert may_call(a_server("http://y.example.com", "other"))


@pytest.mark.parametrize("works", [True, False])
def test_after_the_pause_one_probe_decides(server: Server, works: bool) -> None:
    fail(server, 5)
    pause_is_over(server)
    assert [may_call(server) for _ in range(3)] == [True, False, False]
    (breaker.succeeded if works else breaker.failed)(server)
    assert may_call(server) is works


def test_a_probe_that_never_left_gives_way_and_proves_nothing(server: Server) -> None:
    for _ in range(breaker.FAILURES):
        breaker.failed(server)
    Breaker.objects.update(closed_until=Now() - timedelta(seconds=1))
    assert breaker.admit(server)
    breaker.untried(server)
    assert breaker.admit(server), "the next one is the probe"
    with pytest.raises(BreakerOpen):
        breaker.admit(server)
    assert Breaker.objects.get().failures == breaker.FAILURES


def test_a_probe_that_never_answers_gives_way_to_another(server: Server) -> None:
    fail(server, 5)
    pause_is_over(server)
    assert [may_call(server), may_call(server)] == [True, False]
    pause_is_over(server)
    assert [may_call(server), may_call(server)] == [True, False]


def test_no_row_is_written_while_all_is_well(server: Server) -> None:
    breaker.admit(server)
    breaker.succeeded(server)
    assert Breaker.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_is_the_probe() -> None:
    server = a_server("http://x.example.com")
    fail(server, 5)
    pause_is_over(server)
    assert _at_once(lambda: may_call(server), 8) == [False] * 7 + [True]


@pytest.mark.django_db(transaction=True)
def test_failures_at_once_are_all_counted() -> None:
    server = a_server("http://x.example.com")
    _at_once(lambda: bool(breaker.failed(server)), 8)
    assert Breaker.objects.get().failures == 8


def _at_once(do: Callable[[], bool], times: int) -> list[bool]:
    start = threading.Barrier(times)

    def run(_: int) -> bool:
        start.wait()
        try:
            return do()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return sorted(pool.map(run, range(times)))


def test_that_it_is_closed_is_remembered_a_moment_without_a_query(
    server: Server, django_assert_num_queries: Callable[..., AbstractContextManager[object]]
) -> None:
    fail(server, 5)
    breaker.check_remembered(server)
    assert not may_call(server)
    with django_assert_num_queries(0), pytest.raises(BreakerOpen) as raised:
        breaker.check_remembered(server)
    assert 28 < raised.value.retry_after <= 30
    breaker.check_remembered(a_server("http://y.example.com", "other"))


def test_what_is_remembered_is_forgotten_after_a_moment_and_by_a_success(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(server, 5)
    assert not may_call(server)
    breaker.succeeded(server)
    breaker.check_remembered(server)
    monkeypatch.setattr(breaker, "REMEMBERED_SECONDS", 0.01)
    fail(server, 5)
    assert not may_call(server)
    time.sleep(0.02)
    breaker.check_remembered(server)


def test_it_is_remembered_no_longer_than_the_pause_lasts(server: Server) -> None:
    fail(server, 5)
    Breaker.objects.update(closed_until=Now() + timedelta(seconds=0.1))
    assert not may_call(server)
    time.sleep(0.12)
    breaker.check_remembered(server)


def test_under_load_a_well_server_costs_a_call_no_look(server: Server) -> None:
    breaker.admit(server)
    with CaptureQueriesContext(connection) as asked:
        breaker.admit(server)
    assert len(asked) == 0


def test_what_others_count_is_seen_a_moment_later_and_ones_own_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(breaker.time, "monotonic", lambda: now)
    assert may_call(server)
    # As another process does.
    closed_until = Now() + timedelta(seconds=30)
    Breaker.objects.create(server=server, failures=5, closed_until=closed_until)
    assert may_call(server)
    now += breaker.WELL_SECONDS
    assert not may_call(server)

    breaker.forget()
    Breaker.objects.all().delete()
    assert may_call(server)
    fail(server, 5)
    assert not may_call(server)
