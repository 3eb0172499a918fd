"""Server-sent events, however they are cut."""

import anyio
import pytest

from registry.mcp.errors import BadAnswer, TooLarge
from registry.mcp.events import Splitter, checked
from registry.mcp.exchange import Exchange

STREAM = (
    b": hi\r\n\r\nid: 1\r\ndata: a\r\ndata: b\r\n\r\nevent: x\rdata: c\r\rdata: d\n\ndata: lost"
)
EVENTS = [[b"id: 1", b"data: a", b"data: b"], [b"event: x", b"data: c"], [b"data: d"]]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_however_the_stream_is_cut(size: int) -> None:
    splitter = Splitter(limit=100)
    chunks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert [event for chunk in chunks for event in splitter.feed(chunk)] == EVENTS


@pytest.mark.parametrize("chunk", [b"x" * 10, b"x" * 9 + b"\n", b": comment\n"])
def test_unfinished_event_is_bounded(chunk: bytes) -> None:
    splitter = Splitter(limit=50)
    with pytest.raises(TooLarge):
        for _ in range(6):
            list(splitter.feed(chunk))


def test_keep_alives_do_not_add_up() -> None:
    splitter = Splitter(limit=50)
    assert [event for _ in range(100) for event in splitter.feed(b": keepalive\n\n")] == []


RESULT = b'{"jsonrpc": "2.0", "id": 1, "result": {}}'
PROGRESS = b'{"jsonrpc": "2.0", "method": "notifications/progress", "params": {}}'
PASSED = [
    ([b"id: 7", b"data: " + RESULT], b"id: 7\ndata: " + RESULT + b"\n\n"),
    ([b'data: {"jsonrpc": "2.0",', b'data: "id": 1, "result": {}}'], b"data: " + RESULT + b"\n\n"),
    ([b"event: endpoint", b"data:/m?s=1"], b"event: endpoint\ndata: /m?s=1\n\n"),
    ([b"id: 7", b"data:"], b"id: 7\n\n"),
    ([b"retry: 10", b"x: y"], b"retry: 10\n\n"),
    ([b'data: {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}'], b""),
    ([b"data: " + PROGRESS], b"data: " + PROGRESS + b"\n\n"),
]


@pytest.mark.parametrize(("event", "passed"), PASSED)
def test_event_is_passed_on_parsed_and_written_anew(event: list[bytes], passed: bytes) -> None:
    assert anyio.run(checked, event, lambda value: value) == passed


@pytest.mark.parametrize("data", [b"{", b"[NaN]", b"[]", b'{"jsonrpc": "2.0"}'])
def test_event_that_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        anyio.run(checked, [b"data: " + data], lambda value: value)


def test_result_is_taken_out_for_the_caller() -> None:
    exchange = Exchange(0, lambda: None)
    event = [b'data: {"jsonrpc": "2.0", "id": 1, "result": {"a": 1}}']
    assert anyio.run(checked, event, exchange.take) == b"data: " + RESULT + b"\n\n"
    assert exchange.result == {"a": 1}
