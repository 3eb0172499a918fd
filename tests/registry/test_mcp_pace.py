"""A server's chatter costs the others little, however much of it there is."""

import asyncio
import time
from typing import Any

import pytest

from registry.mcp.client import Connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import Cancelled, Unreachable
from registry.mcp.pace import BURST, SHARE, Pace, paces
from tests.fakes import bare_child
from tests.fakes.faulty_upstream import SSE_HEAD, answered, event, faulty, text_result
from tests.registry.faults import GENERATIONS, failure_of

SAID = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "so"}}
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
FLOODS = {
    "notifications": (SSE_HEAD, 500 * event(SAID)),
    "keep-alives": (SSE_HEAD, 20_000 * b":\n\n"),
    "single bytes": (CHUNKED, 5_000 * b"1\r\nx\r\n"),
}


@pytest.fixture(autouse=True)
def _nothing_spent():
    paces.forget()
    yield
    paces.forget()


def flood(head: bytes, piece: bytes) -> Any:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    return lambda message: write


def used_up(server: str) -> bool:
    """Whether most of what is free at once is gone."""
    return paces.of(server)._left < BURST / 2


def test_a_burst_is_free_and_more_is_waited_for_in_its_share():
    pace = Pace()
    assert pace.spent(BURST / 2) == 0
    seconds = pace.spent(BURST)
    assert seconds == pytest.approx(BURST / 2 / SHARE, rel=0.05)
    # Nobody pays twice for the same.
    assert pace.spent(0.0) == pytest.approx(seconds, rel=0.05)


@pytest.mark.parametrize("modern", GENERATIONS.values(), ids=GENERATIONS.keys())
@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_uses_up_what_is_free_and_whoever_waits_may_leave(
    client: Connections, what: str, modern: bool
) -> None:
    with faulty(flood(*FLOODS[what]), modern=modern) as upstream, pytest.raises(Cancelled):
        client.call_tool(
            upstream.endpoint(), "t", {}, timeout=20, cancelled=lambda: used_up("faulty")
        )
    assert (used_up("faulty"), used_up("another")) == (True, False)


@pytest.mark.parametrize("modern", GENERATIONS.values(), ids=GENERATIONS.keys())
def test_answers_cost_a_server_nothing_of_its_share(client: Connections, modern: bool) -> None:
    text = text_result("x" * 500_000)
    with faulty(lambda message: answered(message, text), modern=modern) as upstream:
        for _ in range(8):
            client.call_tool(upstream.endpoint(), "t", {})
    assert not used_up("faulty")


def test_a_flood_on_the_stream_of_what_is_said_unasked_uses_it_up_as_well(
    client: Connections,
) -> None:
    def answer(message: Any) -> Any:
        if not message:
            return flood(*FLOODS["keep-alives"])(message)
        return answered(message, text_result("here"))

    with faulty(answer, modern=False) as upstream:
        endpoint = upstream.endpoint(answers_forms=True)
        assert client.call_tool(endpoint, "t", {}, timeout=10)["content"][0]["text"] == "here"
        end = time.monotonic() + 10
        while not used_up("faulty") and time.monotonic() < end:
            time.sleep(0.01)
        assert used_up("faulty")
        client.close_all()


@pytest.mark.slow
def test_a_flood_over_stdio_uses_it_up_as_well(client: Connections) -> None:
    endpoint = Endpoint("child", "stdio", argv=bare_child.ARGV)
    with pytest.raises(Cancelled):
        client.call_tool(endpoint, "flood", {}, timeout=20, cancelled=lambda: used_up("child"))


def test_answers_before_the_answer_are_counted(client: Connections) -> None:
    error = failure_of(client, flood(b"", b"HTTP/1.1 103 Early\r\n\r\n" * 9), 5, modern=True)
    assert type(error) is Unreachable

    def late(message: Any) -> Any:
        return b"HTTP/1.1 103 Early\r\n\r\n" * 3 + answered(message, text_result("x"))

    with faulty(late) as upstream:
        assert client.call_tool(upstream.endpoint(), "t", {})["content"][0]["text"] == "x"
