"""Calls that the calling thread makes itself: the same as through the client library."""

import threading
from typing import Any

import pytest

from registry.mcp.behalf import Behalf
from registry.mcp.client import Connections
from registry.mcp.errors import BadAnswer, Rejected, UpstreamError
from tests.fakes.faulty_upstream import (
    SSE_HEAD,
    Message,
    answered,
    event,
    faulty,
    rpc_error,
    text_result,
)

FINE = {"resultType": "complete", **text_result("fine")}


def notification(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def streamed(message: Message, *said: dict[str, Any]) -> bytes:
    """A whole stream of events that ends with the result."""
    result = {"jsonrpc": "2.0", "id": message["id"], "result": FINE}
    body = b"".join(event(one) for one in (*said, result))
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    return head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def test_the_calling_thread_itself_hears_and_reads(client: Connections) -> None:
    threads: list[threading.Thread] = []
    behalf = Behalf(hear=lambda method, said: threads.append(threading.current_thread()))
    said = notification("notifications/message", level="info", data="x")

    with faulty(lambda message: streamed(message, said)) as upstream:
        results = [client.call_tool(upstream.endpoint(), "t", {}, behalf=behalf) for _ in range(2)]
        connections = upstream.connections

    assert (results, threads) == ([FINE] * 2, [threading.current_thread()] * 2)
    # A stream that ended with its answer leaves its connection to the next call.
    assert connections == 2


def test_only_sensible_progress_of_this_very_call_is_heard(client: Connections) -> None:
    heard: list[tuple[str, Any]] = []

    def answer(message: Message) -> bytes:
        token = message["params"]["_meta"]["progressToken"]
        progress = "notifications/progress"
        return streamed(
            message,
            notification(progress, progressToken=token, progress=1, total=2, message="half"),
            notification(progress, progressToken=f"{token}", progress=1),
            notification(progress, progressToken=token, progress="much"),
            notification(progress, progressToken=token, progress=True),
            notification("notifications/tools/list_changed"),
            notification(progress, progressToken=token, progress=2.5, message=7),
        )

    behalf = Behalf(hear=lambda method, said: heard.append((method, said)))
    with faulty(answer) as upstream:
        client.call_tool(upstream.endpoint(), "t", {}, behalf=behalf)

    assert heard == [
        ("notifications/progress", {"progress": 1, "total": 2, "message": "half"}),
        ("notifications/progress", {"progress": 2.5}),
    ]


def test_nobody_is_talked_to_without_end(client: Connections) -> None:
    heard: list[Any] = []
    said = notification("notifications/message", level="info", data="x")
    behalf = Behalf(hear=lambda method, params: heard.append(params))
    with faulty(lambda message: streamed(message, *[said] * 1001)) as upstream:
        client.call_tool(upstream.endpoint(), "t", {}, behalf=behalf)
    assert len(heard) == 1000


def test_a_stream_that_stays_open_after_the_answer_is_not_waited_for(client: Connections) -> None:
    async def answer(writer: Any, message: Message) -> None:
        writer.write(SSE_HEAD + event({"jsonrpc": "2.0", "id": message["id"], "result": FINE}))
        await writer.drain()
        await writer.wait_closed()

    with faulty(lambda message: lambda writer: answer(writer, message)) as upstream:
        assert client.call_tool(upstream.endpoint(), "t", {}, timeout=3) == FINE


@pytest.mark.parametrize(
    ("code", "error"), [(-32602, Rejected), (-32700, BadAnswer), (-32603, Rejected)]
)
def test_an_error_of_the_server_is_its_own_word(
    client: Connections, code: int, error: type
) -> None:
    refused = faulty(lambda message: rpc_error(message, code, "no", status=200))
    with refused as upstream, pytest.raises(UpstreamError) as caught:
        client.call_tool(upstream.endpoint(), "t", {})
    assert (type(caught.value), str(caught.value)) == (error, "no")


@pytest.mark.parametrize("result", [[], "text", None])
def test_a_result_that_is_no_object_is_refused(client: Connections, result: Any) -> None:
    def answer(message: Message) -> bytes:
        return answered(message, {}).replace(
            b'{"resultType": "complete"}', str(result).encode().ljust(26)
        )

    with faulty(answer) as upstream, pytest.raises(BadAnswer):
        client.call_tool(upstream.endpoint(), "t", {})


def test_other_requests_go_the_same_way(client: Connections) -> None:
    with faulty(lambda message: answered(message, {"messages": []})) as upstream:
        found = [client.ask(upstream.endpoint(), "prompts/get", {"name": "p"}) for _ in range(2)]
        asked = upstream.received[-1]
        connections = upstream.connections

    assert found == [{"resultType": "complete", "messages": []}] * 2
    assert (asked.headers["mcp-method"], asked.headers["mcp-name"]) == ("prompts/get", "p")
    assert connections == 2


def test_a_header_that_could_end_the_head_is_not_sent_and_not_repeated(client: Connections) -> None:
    with faulty(lambda message: answered(message, text_result("x"))) as upstream:
        endpoint = upstream.endpoint()
        client.call_tool(endpoint, "t", {})
        line = client._live[endpoint].line
        assert line is not None
        line._own["x-api-key"] = "s3cret\nx: y"
        with pytest.raises(Exception, match="A header of this server is not valid") as caught:
            client.call_tool(endpoint, "t", {})
        assert "s3cret" not in repr(caught.value)
        assert len(upstream.calls) == 1
