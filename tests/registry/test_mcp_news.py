"""A server that says that its list is another now is heard, in both generations, on any way."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.mcp.client import Connections
from registry.mcp.endpoint import Endpoint
from tests.fakes import changing_server
from tests.fakes.changing_server import Changing

ROOT = str(Path(__file__).resolve().parents[2])


@pytest.fixture(scope="module")
def modern() -> Iterator[Changing]:
    with changing_server.serve() as running:
        yield running


@pytest.fixture(scope="module")
def old() -> Iterator[Changing]:
    with changing_server.serve(generation="2025") as running:
        yield running


def heard(client: Connections) -> list[str]:
    names: list[str] = []
    client.on_change = names.append
    return names


def soon(condition: Callable[[], Any], within: float = 3.0) -> bool:
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(condition())


def listens(server: Changing) -> list[str]:
    """What the server was asked in order to be heard."""
    return [
        method
        for verb, method, _ in server.requests
        if method == "subscriptions/listen" or verb == "GET"
    ]


def test_the_stateless_generation_is_asked_once_to_tell(
    client: Connections, modern: Changing
) -> None:
    names = heard(client)
    modern.requests.clear()
    client.list_tools(modern.endpoint("crm"))
    assert soon(lambda: listens(modern))
    time.sleep(0.05)
    client.call_tool(modern.endpoint("crm"), "grow", {})
    assert soon(lambda: names)
    client.call_tool(modern.endpoint("crm"), "first", {})

    assert (names, listens(modern)) == (["crm"], ["subscriptions/listen"])


def test_a_server_of_the_handshake_era_is_heard_on_a_stream_held_open(
    client: Connections, old: Changing
) -> None:
    names = heard(client)
    old.requests.clear()
    client.list_tools(old.endpoint("crm"))
    assert soon(lambda: listens(old))
    time.sleep(0.05)
    client.call_tool(old.endpoint("crm"), "grow", {})

    assert soon(lambda: names)
    assert (names, listens(old)) == (["crm"], [""])


def test_it_is_heard_on_the_one_stream_of_the_legacy_transport(
    client: Connections, old: Changing
) -> None:
    names, endpoint = heard(client), old.endpoint("crm", transport="sse", url=old.sse_url)
    client.call_tool(endpoint, "grow", {})
    assert soon(lambda: names)


def test_a_command_is_heard(client: Connections) -> None:
    names = heard(client)
    argv = changing_server.stdio_argv()
    endpoint = Endpoint("crm", "stdio", argv=argv, cwd=ROOT, connect_timeout=60, call_timeout=60)
    client.list_tools(endpoint)
    time.sleep(0.05)
    client.call_tool(endpoint, "grow", {})
    assert soon(lambda: names)


@pytest.mark.parametrize("generation", ["modern", "old"])
def test_of_connections_of_single_people_none_listens(
    client: Connections, generation: str, request: pytest.FixtureRequest
) -> None:
    server: Changing = request.getfixturevalue(generation)
    heard(client)
    server.requests.clear()
    client.list_tools(server.endpoint("crm", account=7))
    time.sleep(0.1)
    assert listens(server) == []


def test_where_nothing_is_told_nobody_listens(client: Connections, fake: Any) -> None:
    heard(client)
    client.list_tools(fake.endpoint())
    time.sleep(0.1)
    assert [method for _, method, _ in fake.requests] == ["server/discover", "tools/list"]


@pytest.mark.parametrize("generation", ["modern", "old"])
def test_the_stream_ends_with_the_connection_and_delays_its_end_by_nothing(
    client: Connections, generation: str, request: pytest.FixtureRequest
) -> None:
    server: Changing = request.getfixturevalue(generation)
    names = heard(client)
    server.requests.clear()
    client.list_tools(server.endpoint("crm"))
    assert soon(lambda: listens(server))
    started = time.monotonic()
    client.close("crm")
    assert time.monotonic() - started < 0.5
    Connections().call_tool(server.endpoint("other"), "grow", {})
    time.sleep(0.1)
    assert names == []
