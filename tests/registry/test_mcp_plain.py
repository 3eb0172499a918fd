"""Plain HTTP to one origin: whole answers, bounded; nobody but the endpoint says who we are."""

import pytest

from registry.mcp import parsing
from registry.mcp.client import Connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadAnswer, GuardRefused, TimedOut, TooLarge, Unreachable
from registry.mcp.plain import Answer, target_of
from tests.fakes.faulty_upstream import FaultyUpstream, faulty, http, slowly
from tests.registry.fixtures import CLOSED_PORT


def fetched(client: Connections, endpoint: Endpoint, timeout: float = 5) -> Answer:
    return client.fetch(endpoint, accept="application/json", timeout=timeout)


def at(upstream: FaultyUpstream, path: str = "/a?b=c", **changes: object) -> Endpoint:
    return upstream.endpoint(url=f"http://{upstream.address}{path}", **changes)


def test_what_lies_there_comes_whole(client: Connections) -> None:
    answer = http(200, '{"a": 1}', content_type="Application/JSON; charset=utf-8")
    with faulty(lambda message: answer) as upstream:
        found = fetched(client, at(upstream, headers={"Authorization": "Bearer own"}))
        received = upstream.received[0]

    assert found == Answer(200, "application/json", b'{"a": 1}')
    assert (received.method, received.path) == ("GET", "/a?b=c")
    assert received.headers == {
        "host": upstream.address,
        "accept": "application/json",
        "accept-encoding": "identity",
        "authorization": "Bearer own",
        "user-agent": "omni2",
    }


def test_a_refusal_is_an_answer_with_what_it_asks_for(client: Connections) -> None:
    with faulty(lambda message: http(401, www_authenticate='Bearer realm="x"')) as upstream:
        found = fetched(client, at(upstream))
    assert (found.status, found.www_authenticate) == (401, 'Bearer realm="x"')


def test_a_redirect_is_told_and_not_followed(client: Connections) -> None:
    with faulty(lambda message: http(302, location="/elsewhere")) as upstream:
        found = fetched(client, at(upstream))
    assert (found.status, found.location, upstream.connections) == (302, "/elsewhere", 1)


def test_a_stream_is_named_and_not_read(client: Connections) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    with faulty(lambda message: slowly(head, b": x\n\n", 0.05)) as upstream:
        assert fetched(client, at(upstream)) == Answer(200, "text/event-stream")


def test_what_must_not_be_taken_is_not(client: Connections) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n"
    endless = slowly(head, b"x" * (parsing.BYTE_LIMIT // 2), 0.001)
    for answer, error in (
        (http(200, b"\x1f\x8b", content_encoding="gzip"), BadAnswer),
        (endless, TooLarge),
        (b"nonsense\r\n\r\n", Unreachable),
    ):
        with faulty(lambda message, answer=answer: answer) as upstream, pytest.raises(error):  # type: ignore[misc]
            fetched(client, at(upstream))


def test_a_slow_answer_has_its_deadline(client: Connections) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n"
    slow = faulty(lambda message: slowly(head, b"x", 0.05))
    with slow as upstream, pytest.raises(TimedOut) as caught:
        fetched(client, at(upstream), 0.2)
    assert caught.value.executed == "unknown"


def test_what_is_not_listed_is_not_dialled(client: Connections) -> None:
    with faulty(lambda message: http(200)) as upstream, pytest.raises(GuardRefused):
        fetched(client, at(upstream, internal_addresses=frozenset()))
    assert upstream.connections == 0


def test_nobody_there(client: Connections) -> None:
    address = f"127.0.0.1:{CLOSED_PORT}"
    endpoint = Endpoint(
        "x", "http", url=f"http://{address}/", internal_addresses=frozenset({address})
    )
    with pytest.raises(Unreachable) as caught:
        fetched(client, endpoint)
    assert caught.value.executed == "no"


def test_a_target_is_path_and_query() -> None:
    urls = ("https://a.example", "https://a.example?x=1", "https://a.example/b/c?d=e/f")
    assert [target_of(url) for url in urls] == ["/", "/?x=1", "/b/c?d=e/f"]
