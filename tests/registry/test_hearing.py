"""What a server tells of its lists leads to one sync soon, in one process, and not too often."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from registry import calling, discovery, hearing
from registry.hearing import Hearing
from registry.mcp.client import connections
from registry.models import Server, Tool
from tests.fakes import changing_server
from tests.fakes.changing_server import Changing
from tests.registry.fixtures import a_server


@pytest.fixture(scope="module")
def running() -> Iterator[Changing]:
    with changing_server.serve() as found:
        yield found
    connections.close_all()


@pytest.fixture
def changing(running: Changing, settings: Any) -> Changing:
    settings.INTERNAL_ADDRESSES = [running.address]
    del running.tools[4:]
    running.ttl, running.says = 0, True
    running.requests.clear()
    cache.clear()
    return running


def lists(server: Changing) -> int:
    return [method for _, method, _ in server.requests].count("tools/list")


def due(server: Server) -> float | None:
    """In how many seconds it is due, to ten."""
    server.refresh_from_db()
    left = server.sync_due_at
    return None if left is None else round((left - timezone.now()).total_seconds(), -1) + 0.0


@pytest.mark.django_db
def test_a_server_is_due_once_and_sooner_than_its_list_would_be(changing: Changing) -> None:
    server, off = a_server(changing.url), a_server(changing.url, name="off", enabled=False)
    hearing.make_due(["crm", "off", "unknown"])
    assert (due(server), due(off)) == (0, None)

    for left, then in ((timedelta(hours=1), 0), (timedelta(seconds=20), 20)):
        Server.objects.filter(pk=server.pk).update(sync_due_at=timezone.now() + left)
        hearing.make_due(["crm"])
        assert due(server) == then


@pytest.mark.django_db
def test_what_is_due_is_read_once_and_what_is_not_is_left(changing: Changing) -> None:
    server = a_server(changing.url)
    Server.objects.update(sync_due_at=timezone.now() + timedelta(seconds=5))
    hearing.sync_due()
    assert (lists(changing), server.tools.count()) == (0, 0)

    hearing.make_due(["crm"])
    Server.objects.update(sync_due_at=timezone.now())
    hearing.sync_due()
    hearing.sync_due()
    assert (lists(changing), server.tools.count(), due(server)) == (1, 4, None)


def test_of_several_who_would_read_it_one_does(changing: Changing, transactional_db: None) -> None:
    server = a_server(changing.url)
    Server.objects.update(sync_due_at=timezone.now())
    at_once = threading.Barrier(4)

    def process() -> None:
        at_once.wait(10)
        try:
            hearing.sync_due()
        finally:
            connection.close()

    threads = [threading.Thread(target=process) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (lists(changing), server.tools.count()) == (1, 4)


@pytest.mark.django_db
def test_a_server_that_says_it_all_the_time_has_to_wait(changing: Changing, monkeypatch) -> None:
    monkeypatch.setattr(hearing, "MOST_A_MINUTE", 2)
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    server = a_server(changing.url)
    for _ in range(4):
        Server.objects.update(sync_due_at=timezone.now())
        hearing.sync_due()
    assert (lists(changing), due(server)) == (2, 30)


@pytest.mark.django_db
@pytest.mark.parametrize(("ttl", "then"), [(0, None), (1, 60), (600_000, 600), (10**12, 86_400)])
def test_a_list_that_is_good_for_a_time_is_read_again_then(
    changing: Changing, ttl: int, then: float | None
) -> None:
    changing.ttl = ttl
    server = a_server(changing.url)
    discovery.sync(server)
    assert due(server) == then


@pytest.mark.django_db
def test_what_is_told_while_the_list_is_read_is_not_lost(changing: Changing) -> None:
    changing.ttl = 600_000
    server = a_server(changing.url)
    Server.objects.update(sync_due_at=timezone.now())
    discovery.sync(server)
    assert due(server) == 0


@pytest.fixture
def listening(transactional_db: None, changing: Changing) -> Iterator[None]:
    connections.close_all()
    found = Hearing()
    found.start()
    yield
    found.stop()
    assert [one for one in threading.enumerate() if one.name == "omni2-hearing"] == []
    connections.close_all()


def soon(condition: Any, within: float = 5.0) -> bool:
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


def test_a_new_tool_is_known_here_soon_after_its_server_says_so(
    changing: Changing, listening: None
) -> None:
    server = a_server(changing.url, trust=Server.Trust.FIRST_USE)
    # The second time it is spoken to as it is known by now, over the connection that calls use.
    discovery.sync(server)
    changing.requests.clear()
    discovery.sync(server)
    assert soon(lambda: "subscriptions/listen" in [method for _, method, _ in changing.requests])
    time.sleep(0.05)
    calling.call(server, server.tools.get(name="grow"), {})

    assert soon(lambda: server.tools.count() == 5)
    assert server.tools.get(name="grown_4").state == Tool.State.QUARANTINED
    assert lists(changing) == 2


def test_a_burst_is_one_change(changing: Changing, listening: None, monkeypatch) -> None:
    server = a_server(changing.url)
    hearing_now = connections.on_change
    assert hearing_now is not None
    for _ in range(50):
        hearing_now("crm")
    assert soon(lambda: server.tools.count() == 4)
    time.sleep(0.3)
    assert lists(changing) == 1


def test_what_goes_wrong_once_ends_nothing(
    changing: Changing, listening: None, monkeypatch
) -> None:
    server = a_server(changing.url)
    assert connections.on_change is not None
    with monkeypatch.context() as broken:
        broken.setattr(hearing, "DEBOUNCE_SECONDS", 0)
        broken.setattr(hearing, "PAUSE", None)
        connections.on_change("crm")
        time.sleep(0.1)
    assert server.tools.count() == 0
    connections.on_change("crm")
    assert soon(lambda: server.tools.count() == 4)
