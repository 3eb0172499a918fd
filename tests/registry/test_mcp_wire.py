"""Connections of calling threads: kept as long as they are good, and no longer."""

import asyncio
import threading
import time
from typing import Any

import pytest

from registry.mcp import wire
from registry.mcp.client import Connections
from registry.mcp.errors import HttpRefused, Unreachable
from tests.fakes.faulty_upstream import Message, answered, faulty, http, text_result

FINDING_OUT = 1


def fine(message: Message) -> bytes:
    return answered(message, text_result("fine"))


def made(client: Connections, answer: Any, *, pause: float = 0) -> int:
    """How many connections three calls take, one after the other."""
    with faulty(answer) as upstream:
        for _ in range(3):
            client.call_tool(upstream.endpoint(), "t", {})
            time.sleep(pause)
        client.close_all()
        return upstream.connections - FINDING_OUT


def test_calls_share_a_connection(client: Connections) -> None:
    assert made(client, fine) == 1


def test_a_connection_that_the_server_ends_is_not_kept(client: Connections) -> None:
    def answer(message: Message) -> bytes:
        return fine(message).replace(b"content-length", b"connection: close\r\ncontent-length", 1)

    assert made(client, answer) == 3


def test_a_connection_on_which_more_came_than_was_asked_is_not_kept(client: Connections) -> None:
    assert made(client, lambda message: fine(message) + http(200, "unasked")) == 3


def test_a_connection_that_ended_meanwhile_is_not_used(client: Connections) -> None:
    async def once(writer: asyncio.StreamWriter, message: Message) -> None:
        writer.write(fine(message))

    # Whatever answers by a function hangs up afterwards, without having said so.
    assert made(client, lambda message: lambda writer: once(writer, message), pause=0.05) == 3


def test_an_old_connection_is_not_kept(
    client: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "KEPT_SECONDS", 0.0)
    assert made(client, fine) == 3


def test_no_more_connections_are_kept_than_may_be(
    client: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "KEPT", 1)
    together = threading.Barrier(2)

    async def late(writer: asyncio.StreamWriter, message: Message) -> None:
        await asyncio.to_thread(together.wait, 5)
        writer.write(fine(message))
        await asyncio.sleep(5)

    with faulty(lambda message: lambda writer: late(writer, message)) as upstream:
        endpoint = upstream.endpoint()
        threads = [
            threading.Thread(target=lambda: client.call_tool(endpoint, "t", {})) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        line = client._live[endpoint].line
        assert line is not None
        assert len(line._wires._idle) == 1
        client.close_all()


def test_what_was_said_before_the_answer_does_no_harm(client: Connections) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n"
    assert made(client, lambda message: early + fine(message)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x-y: " + b"z" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-length: 8\r\n\r\n{}",
        b"",
    ],
    ids=["no HTTP", "an endless head", "two lengths", "nothing"],
)
def test_what_is_no_http_is_unreachable(client: Connections, answer: bytes) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    with faulty(lambda message: write) as upstream, pytest.raises(Unreachable) as caught:
        client.call_tool(upstream.endpoint(), "t", {}, timeout=3)
    assert caught.value.executed == "unknown"


def test_a_request_is_sent_whole_however_large(client: Connections) -> None:
    with faulty(fine) as upstream:
        client.call_tool(upstream.endpoint(), "t", {"text": "x" * 3_000_000})
        assert len(upstream.calls[0]["arguments"]["text"]) == 3_000_000


def test_an_endless_body_of_an_error_is_cut(client: Connections) -> None:
    refused = faulty(lambda message: http(400, "x" * 5_000_000))
    with refused as upstream, pytest.raises(HttpRefused) as caught:
        client.call_tool(upstream.endpoint(), "t", {})
    assert caught.value.status == 400
