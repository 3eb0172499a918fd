"""Servers that misbehave: each fault ends in time, with its own error, and hurts nobody else."""

import asyncio
import json
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from registry.mcp.client import Connections
from registry.mcp.errors import (
    BadAnswer,
    TimedOut,
    TooLarge,
    Unreachable,
)
from tests.fakes.faulty_upstream import (
    SSE_HEAD,
    FaultyUpstream,
    Message,
    answered,
    event,
    faulty,
    http,
    raw_json,
    rpc_error,
    slowly,
    text_result,
)
from tests.fakes.mcp_server import Upstream
from tests.registry.faults import failure, failure_of

TIMEOUT = 0.4


def structured(text: str) -> str:
    return f'{{"resultType": "complete", "content": [], "structuredContent": {text}}}'


def sse(message: Message, *values: Any) -> bytes:
    return SSE_HEAD + b"".join(event(value) for value in values)


async def _silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(20)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


NEVER_ENDING = {
    "silence": _silence,
    "upstream_faults-001 slow headers": slowly(b"HTTP/1.1 200 OK\r\n", b"x-y: z\r\n", 0.05),
    "upstream_faults-002 keep-alives for ever": slowly(SSE_HEAD, b": keepalive\n\n", 0.05),
    "notifications for ever": slowly(
        SSE_HEAD, event({"jsonrpc": "2.0", "method": "notifications/message", "params": {}}), 0.05
    ),
    "a body that drips": slowly(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n",
        b"[",
        0.05,
    ),
}


@pytest.mark.parametrize("answer", NEVER_ENDING.values(), ids=NEVER_ENDING.keys())
def test_call_ends_at_its_total_deadline(client: Connections, answer: Any) -> None:
    start = time.monotonic()
    error = failure(client, lambda message: answer, TIMEOUT)
    assert time.monotonic() - start < TIMEOUT + 1
    assert (type(error), error.executed) == (TimedOut, "unknown")


BAD_JSON = {
    "upstream_faults-012 100,000 levels": "[" * 100_000,
    "65 levels": "[" * 65 + "]" * 65,
    "upstream_faults-013 NaN": '{"n": NaN}',
    "upstream_faults-013 infinity": '{"n": -Infinity}',
    "upstream_faults-013 5,000 digits": '{"n": ' + "9" * 5000 + "}",
    "a number out of range": '{"n": 1e999}',
    "a key twice": '{"a": 1, "a": 2}',
}


@pytest.mark.parametrize("text", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_bad_json_is_refused_in_a_body(client: Connections, text: str) -> None:
    error = failure(client, lambda message: raw_json(message, structured(text)))
    assert (type(error), error.executed) == (BadAnswer, "unknown")


@pytest.mark.parametrize("text", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_bad_json_is_refused_in_a_stream(client: Connections, text: str) -> None:
    def answer(message: Message) -> bytes:
        body = raw_json(message, structured(text)).partition(b"\r\n\r\n")[2]
        return SSE_HEAD + b"event: message\ndata: " + body + b"\n\n"

    error = failure(client, answer)
    assert (type(error), error.executed) == (BadAnswer, "unknown")


def test_lone_surrogate_becomes_the_replacement_character(client: Connections) -> None:
    """upstream_faults-015"""
    result = structured(r'{"t": "a\ud800b"}')
    with faulty(lambda message: raw_json(message, result)) as upstream:
        found = client.call_tool(upstream.endpoint(), "t", {})
    assert found["structuredContent"] == {"t": "a\ufffdb"}


def test_more_containers_than_memory_should_hold_are_too_large(client: Connections) -> None:
    error = failure(
        client, lambda message: raw_json(message, structured("[" + "[]," * 300_000 + "1]"))
    )
    assert type(error) is TooLarge


def test_body_over_the_cap_is_too_large(client: Connections) -> None:
    error = failure(client, lambda message: raw_json(message, structured(f'"{"x" * 4_200_000}"')))
    assert type(error) is TooLarge


@pytest.mark.parametrize("modern", [True, False])
def test_length_over_the_cap_is_refused_before_it_is_read(
    client: Connections, modern: bool
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 30000000\r\n\r\n"
    # Nothing comes after it: who waited for more would run into the deadline.
    error = failure_of(client, lambda message: slowly(head, b"", 5), 3, modern=modern)
    assert (type(error), error.executed) == (TooLarge, "unknown")


@pytest.mark.parametrize("modern", [True, False])
def test_an_error_does_not_keep_what_was_read(client: Connections, modern: bool) -> None:
    body = raw_json({"id": "another"}, '"' + "x" * 2_000_000 + '"')
    error = failure_of(client, lambda message: body, modern=modern)
    files = {Path(frame.filename).name for frame in traceback.extract_tb(error.__traceback__)}
    assert "client.py" in files
    assert not files & {"transport.py", "answers.py", "parsing.py"}


@pytest.mark.parametrize("modern", [True, False])
def test_large_answers_of_one_server_all_come_one_after_another(
    client: Connections, modern: bool
) -> None:
    text = "x" * 200_000
    fault = faulty(lambda message: answered(message, text_result(text)), modern=modern)
    with fault as upstream, ThreadPoolExecutor(6) as pool:
        ask = partial(client.call_tool, upstream.endpoint(), "t", {}, timeout=10)
        results = [pool.submit(ask) for _ in range(6)]
        texts = [one.result(timeout=10)["content"][0]["text"] for one in results]
    assert texts == [text] * 6


def test_event_over_the_cap_is_too_large(client: Connections) -> None:
    error = failure(client, lambda message: SSE_HEAD + b"data: " + b"x" * 4_200_000)
    assert type(error) is TooLarge


def test_sampling_is_refused_and_the_call_goes_on(client: Connections) -> None:
    params: dict[str, Any] = {"messages": [], "maxTokens": 5}
    request = {"jsonrpc": "2.0", "id": "s", "method": "sampling/createMessage", "params": params}

    def answer(message: Message) -> bytes:
        if message.get("id") == "s":
            return http(202)
        result = {"jsonrpc": "2.0", "id": message["id"], "result": text_result("done")}
        return sse(message, request, result)

    with faulty(answer, modern=False) as upstream:
        found = client.call_tool(upstream.endpoint(), "t", {})
        refusals = _until(lambda: [r.message for r in upstream.received if "error" in r.message])
        handshake = next(
            r.message for r in upstream.received if r.message["method"] == "initialize"
        )
    assert found == text_result("done")
    assert [(refusal["id"], refusal["error"]["code"]) for refusal in refusals] == [("s", -32600)]
    assert handshake["params"]["capabilities"] == {}


def test_dropped_socket_fails_only_its_own_call(client: Connections) -> None:
    waiting = threading.Semaphore(0)

    async def late(writer: asyncio.StreamWriter, message: Message) -> None:
        waiting.release()
        await asyncio.sleep(0.3)
        writer.write(answered(message, text_result("fine")))

    def answer(message: Message) -> Any:
        if message["params"]["name"] == "drop":
            return _hang_up
        return lambda writer: late(writer, message)

    with faulty(answer) as upstream:
        endpoint, results = upstream.endpoint(), list[Any]()
        threads = [
            threading.Thread(target=lambda: results.append(client.call_tool(endpoint, "late", {})))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for _ in threads:
            waiting.acquire(timeout=5)
        with pytest.raises(Unreachable) as caught:
            client.call_tool(endpoint, "drop", {})
        for thread in threads:
            thread.join(5)
    assert caught.value.executed == "unknown"
    assert results == [{"resultType": "complete", **text_result("fine")}] * 3


def test_stream_cut_before_the_answer_is_unknown(client: Connections) -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(SSE_HEAD + b": hello\n\n")
        await writer.drain()

    error = failure(client, lambda message: cut)
    assert (type(error), error.executed) == (Unreachable, "unknown")


def test_cookies_are_not_kept(client: Connections) -> None:
    def answer(message: Message) -> bytes:
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": text_result("x")})
        return http(200, body, content_type="application/json", set_cookie="a=b")

    with faulty(answer) as upstream:
        for _ in range(2):
            client.call_tool(upstream.endpoint(), "t", {})
    assert [("cookie" in received.headers) for received in upstream.received] == [False] * 3


def test_only_the_endpoints_credentials_are_sent(client: Connections, fake: Upstream) -> None:
    endpoint = fake.endpoint(headers={"authorization": "Bearer of-the-registry"})
    seen = client.call_tool(endpoint, "headers", {})["structuredContent"]
    assert seen["authorization"] == "Bearer of-the-registry"
    assert seen["accept-encoding"] == "identity"
    assert not {"cookie", "proxy-authorization", "x-forwarded-for"} & set(seen)


def _until(look: Any, seconds: float = 3) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def test_headers_a_tool_wants_are_learnt_and_sent(client: Connections) -> None:
    schema = {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    }

    def answer(message: Message) -> bytes:
        if message["method"] == "tools/list":
            return answered(message, {"tools": [{"name": "t", "inputSchema": schema}]})
        if "mcp-param-region" not in upstream.received[-1].headers:
            return rpc_error(message, -32020, "Header mismatch", status=400)
        return answered(message, text_result("ok"))

    upstream: FaultyUpstream
    with faulty(answer) as upstream:
        found = client.call_tool(upstream.endpoint(), "t", {"region": "eu"})
    assert found["content"][0]["text"] == "ok"
    assert upstream.methods() == ["server/discover", "tools/call", "tools/list", "tools/call"]
    assert upstream.received[-1].headers["mcp-param-region"] == "eu"


def test_header_that_is_not_valid_is_not_repeated_in_the_error(client: Connections) -> None:
    with faulty(lambda message: http(200)) as upstream, pytest.raises(Unreachable) as caught:
        client.list_tools(upstream.endpoint(headers={"x-api-key": "s3cret\nx: y"}))
    assert "s3cret" not in str(caught.value)
    assert caught.value.executed == "no"


def test_every_row_of_the_fault_file_has_its_test() -> None:
    here = Path(__file__).parent
    rows = (here.parent / "data" / "upstream_faults.jsonl").read_text().splitlines()
    tests = "".join(file.read_text() for file in here.glob("test_mcp_*.py"))
    assert [json.loads(row)["id"] for row in rows if json.loads(row)["id"] not in tests] == []
