"""Connections: opened, lost, opened again, replaced, closed."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from registry.mcp.client import Connections
from registry.mcp.errors import (
    BadAnswer,
    HttpRefused,
    TimedOut,
    TooLarge,
    Unreachable,
    UpstreamError,
)
from tests.fakes.faulty_upstream import (
    SSE_HEAD,
    Answer,
    Message,
    answered,
    event,
    faulty,
    http,
    text_result,
)
from tests.fakes.mcp_server import Upstream, serve

HANDSHAKE = "2025-11-25"
TIMEOUT = 0.4


@pytest.fixture(scope="module")
def old_fake() -> Iterator[Upstream]:
    with serve(generation="2025") as running:
        yield running


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize("generation", ["both", "2025"])
def test_restarted_server_is_called_once_more_and_runs_the_tool_once(
    client: Connections, generation: str
) -> None:
    with serve(generation=generation) as first:
        endpoint = first.endpoint()
        client.call_tool(endpoint, "write_note", {"text": "before"})
    with pytest.raises(Unreachable):
        client.call_tool(endpoint, "write_note", {"text": "between"})
    with serve(generation=generation, port=first.port) as second:
        client.call_tool(endpoint, "write_note", {"text": "after"})
    assert first.calls == [("write_note", {"text": "before"})]
    assert second.calls == [("write_note", {"text": "after"})]


@pytest.mark.parametrize("status", [404, 400])
def test_lost_session_is_opened_again_once(client: Connections, status: int) -> None:
    def answer(message: Message) -> bytes:
        if message["params"].get("name") == "t" and len(upstream.calls) == 2:
            body = (
                '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"No valid session"}}'
            )
            return http(status, body, content_type="application/json")
        return answered(message, text_result("fine"))

    with faulty(answer, modern=False, session="s1") as upstream:
        for _ in range(2):
            client.call_tool(upstream.endpoint(), "t", {})
    assert upstream.methods().count("initialize") == 2
    assert len(upstream.calls) == 3


def test_restarted_legacy_sse_server_is_called_again(client: Connections) -> None:
    with serve() as first:
        endpoint = first.endpoint(transport="sse", url=first.sse_url)
        client.call_tool(endpoint, "echo", {"text": "a"})
    with serve(port=first.port) as second:
        # On a busy machine the end of the first one may not have been heard of yet.
        with suppress(Unreachable):
            client.call_tool(endpoint, "echo", {"text": "b"})
        result = client.call_tool(endpoint, "echo", {"text": "c"})
    assert result["content"][0]["text"] == "c"
    assert second.calls in ([("echo", {"text": one}) for one in "bc"], [("echo", {"text": "c"})])


def test_changed_endpoint_is_a_new_connection(client: Connections, fake: Upstream) -> None:
    seen = []
    for key in ("one", "two"):
        endpoint = fake.endpoint(headers={"x-api-key": key})
        seen.append(client.call_tool(endpoint, "headers", {})["structuredContent"]["x-api-key"])
    assert seen == ["one", "two"]


def test_replacing_a_connection_lets_its_calls_finish(client: Connections, fake: Upstream) -> None:
    results: list[Any] = []
    old, new = fake.endpoint(headers={"x-api-key": "one"}), fake.endpoint()
    client.ping(old)
    thread = threading.Thread(
        target=lambda: results.append(client.call_tool(old, "slow", {"seconds": 0.3}))
    )
    thread.start()
    while not fake.calls:
        time.sleep(0.005)
    client.call_tool(new, "echo", {"text": "x"})
    thread.join(3)
    assert results[0]["content"][0]["text"] == "slept 0.3 s"


def test_connection_is_renewed_at_its_maximum_age(client: Connections, old_fake: Upstream) -> None:
    old_fake.requests.clear()
    endpoint = old_fake.endpoint("aged", max_age_seconds=0.05)
    client.ping(endpoint)
    time.sleep(0.06)
    client.ping(endpoint)
    assert [rpc for _, rpc, _ in old_fake.requests].count("initialize") == 2


def test_known_handshake_server_is_not_asked_for_the_stateless_version(
    client: Connections, old_fake: Upstream
) -> None:
    old_fake.requests.clear()
    client.ping(old_fake.endpoint("hinted", generation_hint=HANDSHAKE))
    assert [rpc for _, rpc, _ in old_fake.requests] == [
        "initialize",
        "notifications/initialized",
        "ping",
    ]


def test_closing_ends_what_is_under_way(client: Connections, fake: Upstream) -> None:
    endpoint, ended = fake.endpoint("closing"), threading.Event()

    def call() -> None:
        with pytest.raises(Unreachable):
            client.call_tool(endpoint, "slow", {"seconds": 5})
        ended.set()

    threading.Thread(target=call).start()
    while not fake.calls:
        time.sleep(0.005)
    client.close("closing")
    assert ended.wait(2)


def test_cut_stream_is_taken_up_again_where_the_server_can(client: Connections) -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(SSE_HEAD + b"id: 7\nretry: 10\ndata:\n\n")

    def answer(message: Message) -> Any:
        if message:
            pending.append(message)
            return cut
        result = {"jsonrpc": "2.0", "id": pending[0]["id"], "result": text_result("late")}
        return SSE_HEAD + event(result)

    pending: list[Message] = []
    with faulty(answer, modern=False) as upstream:
        found = client.call_tool(upstream.endpoint(), "t", {})
    assert found == text_result("late")
    assert upstream.received[-1].headers["last-event-id"] == "7"
    assert len(upstream.calls) == 1


class Legacy:
    """A legacy SSE server of the handshake era: answers go out on the stream of the GET."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.stream: asyncio.StreamWriter | None = None
        self.streams = 0

    async def open(self, writer: asyncio.StreamWriter) -> None:
        self.stream, self.streams = writer, self.streams + 1
        writer.write(SSE_HEAD + b"event: endpoint\ndata: /messages?s=1\n\n")
        await asyncio.sleep(20)

    def __call__(self, message: Message) -> Any:
        assert not message or self.stream
        if not message:
            return self.open
        reply = self.answer(message)
        if callable(reply) or reply.startswith(b"HTTP/1.1 4") or reply.startswith(b"HTTP/1.1 5"):
            return reply
        assert self.stream
        self.stream.write(reply)
        return http(202, "Accepted")


def _legacy_result(message: Message) -> bytes:
    return event({"jsonrpc": "2.0", "id": message["id"], "result": text_result("fine")})


def _legacy_handshake(message: Message) -> bytes | None:
    answer = {"jsonrpc": "2.0", "id": message.get("id")}
    if message["method"] == "initialize":
        known = {"protocolVersion": "2024-11-05", "capabilities": {}}
        return event({**answer, "result": {**known, "serverInfo": {"name": "f", "version": "1"}}})
    return http(202) if message["method"].startswith("notifications/") else None


NOTIFICATION = {"jsonrpc": "2.0", "method": "notifications/message"}
LEGACY_FAULTS = {
    "a refused POST": (http(500, "no"), HttpRefused, "unknown", 1),
    "a lost session": (http(404, "Could not find session"), Unreachable, "no", 2),
    "a dropped POST": (_hang_up, Unreachable, "unknown", 1),
    "silence": (
        event({"jsonrpc": "2.0", "method": "notifications/message"}),
        TimedOut,
        "unknown",
        1,
    ),
    "an event that is no JSON": (b"data: {\n\n", BadAnswer, "unknown", 2),
    "too large an event": (b"data: " + b"x" * 1_100_000, TooLarge, "unknown", 2),
}


@pytest.mark.parametrize(
    ("fault", "error", "executed", "streams"), LEGACY_FAULTS.values(), ids=LEGACY_FAULTS.keys()
)
def test_fault_of_a_legacy_server_ends_its_call_and_the_next_works(
    client: Connections, fault: Any, error: type, executed: str, streams: int
) -> None:
    def answer(message: Message) -> bytes:
        named = message.get("params", {}).get("name")
        return _legacy_handshake(message) or (fault if named == "bad" else _legacy_result(message))

    legacy = Legacy(answer)
    with faulty(legacy, negotiates=False) as upstream:
        endpoint = upstream.endpoint(transport="sse", url=f"http://{upstream.address}/sse")
        with pytest.raises(UpstreamError) as caught:
            client.call_tool(endpoint, "bad", {}, timeout=TIMEOUT if error is TimedOut else 10)
        assert client.call_tool(endpoint, "good", {}) == text_result("fine")
    assert isinstance(caught.value, error)
    assert (caught.value.executed, legacy.streams) == (executed, streams)


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_refused_opening_keeps_its_status(client: Connections, transport: str) -> None:
    refusal = http(401, www_authenticate="Bearer")
    running = faulty(lambda message: refusal, negotiates=False)
    with running as upstream, pytest.raises(HttpRefused) as caught:
        client.list_tools(upstream.endpoint(transport=transport))
    assert (caught.value.status, caught.value.www_authenticate) == (401, "Bearer")
    assert (caught.value.executed, len(upstream.received)) == ("no", 1)


def test_name_that_takes_too_long_to_resolve_ends_at_the_connect_timeout() -> None:
    def slow(host: str, port: int) -> list[str]:
        time.sleep(1)
        return ["127.0.0.1"]

    client = Connections(resolver=slow)
    with faulty(lambda message: http(200)) as upstream:
        start = time.monotonic()
        with pytest.raises(TimedOut) as caught:
            client.list_tools(upstream.endpoint(connect_timeout=0.2))
    assert time.monotonic() - start < 0.9
    assert (caught.value.executed, upstream.connections) == ("no", 0)


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_a_connection_that_has_ended_is_kept_by_nobody(
    client: Connections, fake: Upstream, transport: str
) -> None:
    url = fake.sse_url if transport == "sse" else fake.url
    client.call_tool(fake.endpoint(transport=transport, url=url), "echo", {"text": "x"})
    [connection] = [weakref.ref(one) for one in client._live.values()]
    client.close("fake")
    end = time.monotonic() + 2
    while connection() is not None and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert connection() is None
