"""Servers that misbehave: each fault ends in time, with its own error, and hurts nobody else."""

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from registry.mcp.client import Connections
from registry.mcp.errors import (
    BadAnswer,
    HttpRefused,
    InputRequired,
    Rejected,
    TimedOut,
    TooLarge,
    Unreachable,
    UpstreamError,
)
from tests.fakes.faulty_upstream import (
    SSE_HEAD,
    Answer,
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

TIMEOUT = 0.4


def failure(client: Connections, answer: Answer, timeout: float = 10) -> UpstreamError:
    """What a call ends with where the server answers it so."""
    with faulty(answer) as upstream, pytest.raises(UpstreamError) as caught:
        client.call_tool(upstream.endpoint(), "t", {}, timeout=timeout)
    client.close_all()
    return caught.value


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


def test_event_over_the_cap_is_too_large(client: Connections) -> None:
    error = failure(client, lambda message: SSE_HEAD + b"data: " + b"x" * 4_200_000)
    assert type(error) is TooLarge


COMPRESSED = {"gzip": "gzip", "double gzip": "gzip, gzip", "brotli": "br"}


@pytest.mark.parametrize("encoding", COMPRESSED.values(), ids=COMPRESSED.keys())
def test_compressed_answer_is_refused_unread(client: Connections, encoding: str) -> None:
    body = http(200, b"\x1f\x8b", content_type="application/json", content_encoding=encoding)
    assert type(failure(client, lambda message: body)) is BadAnswer


NO_ANSWERS = {
    "upstream_faults-017 garbage": http(200, b"\x00\xff<html>", content_type="application/json"),
    "garbage of no type": http(200, b"\x00\xff<html>"),
    "another protocol": b"\x00\xff<html>\r\n\r\n",
    "an empty body": http(200, b"", content_type="application/json"),
    "accepted": http(202),
    "a bare list": http(200, b"[]", content_type="application/json"),
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_answer_is_an_error(client: Connections, answer: bytes) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    error = failure(client, lambda message: write)
    assert (isinstance(error, BadAnswer | Unreachable), error.executed) == (True, "unknown")


def test_answer_to_another_request_is_refused(client: Connections) -> None:
    error = failure(client, lambda message: answered({"id": 999}, text_result("not yours")))
    assert type(error) is BadAnswer


def test_html_of_a_502_is_not_copied(client: Connections) -> None:
    """upstream_faults-018"""
    page = "<html><b>Bad Gateway</b>" + "token=hunter2 " * 1000
    error = failure(client, lambda message: http(502, page))
    assert isinstance(error, HttpRefused)
    assert (error.status, error.executed) == (502, "unknown")
    assert error.message == "The server answered HTTP 502."
    assert (error.detail[:18], len(error.detail)) == ("Bad Gateway token=", 200)


STATUSES = [(401, "no"), (403, "no"), (404, "no"), (429, "no"), (400, "unknown"), (500, "unknown")]


@pytest.mark.parametrize(("status", "executed"), STATUSES)
def test_status_is_kept(client: Connections, status: int, executed: str) -> None:
    error = failure(client, lambda message: http(status, "no"))
    assert (type(error), error.status, error.executed) == (HttpRefused, status, executed)


def test_www_authenticate_is_kept(client: Connections) -> None:
    error = failure(client, lambda message: http(401, www_authenticate='Bearer scope="mcp"'))
    assert isinstance(error, HttpRefused)
    assert error.www_authenticate == 'Bearer scope="mcp"'


def test_refused_negotiation_keeps_the_status_and_asks_once(client: Connections) -> None:
    with faulty(lambda message: http(401), modern=False) as upstream:
        upstream_url = upstream.endpoint()
        with pytest.raises(HttpRefused) as caught:
            # tools/list is answered with 401 after a handshake that was fine.
            client.list_tools(upstream_url)
    assert caught.value.status == 401
    assert upstream.methods() == [
        "server/discover",
        "initialize",
        "notifications/initialized",
        "tools/list",
    ]


LOCATIONS = {
    "upstream_faults-019 another host": "http://127.0.0.1:{other}/mcp",
    "upstream_faults-020 the same host": "/other",
    "upstream_faults-021 itself": "/mcp",
}


@pytest.mark.parametrize("location", LOCATIONS.values(), ids=LOCATIONS.keys())
def test_redirect_is_refused_and_no_credential_follows(client: Connections, location: str) -> None:
    with faulty(lambda message: http(200)) as other:
        target = location.format(other=other.port)
        with faulty(lambda message: http(307, location=target)) as upstream:
            secret = {"authorization": "Bearer s3cret"}
            listed = frozenset({upstream.address, other.address})
            endpoint = upstream.endpoint(headers=secret, internal_addresses=listed)
            with pytest.raises(HttpRefused) as caught:
                client.call_tool(endpoint, "t", {})
    assert caught.value.status == 307
    assert (other.connections, len(upstream.calls)) == (0, 1)


def test_error_text_is_cut(client: Connections) -> None:
    """upstream_faults-037"""
    error = failure(client, lambda message: rpc_error(message, -32000, "x" * 20_000))
    assert isinstance(error, Rejected)
    assert (error.rpc_code, error.executed, len(error.message)) == (-32000, "unknown", 2000)


@pytest.mark.parametrize("status", [200, 400, 404])
def test_vanished_tool_is_rejected_and_was_not_run(client: Connections, status: int) -> None:
    """upstream_faults-026"""
    error = failure(client, lambda m: rpc_error(m, -32602, "Unknown tool: t", status=status))
    assert isinstance(error, Rejected)
    assert (error.rpc_code, error.executed, error.message) == (-32602, "no", "Unknown tool: t")


def test_request_for_input_ends_as_an_error(client: Connections) -> None:
    """upstream_faults-027"""
    asked = {"resultType": "input_required", "inputRequests": {}, "requestState": "s"}
    error = failure(client, lambda message: answered(message, asked))
    assert type(error) is InputRequired


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


def test_cut_stream_is_taken_up_again_where_the_server_can(client: Connections) -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(SSE_HEAD + b"id: 7\nretry: 10\ndata:\n\n")

    def answer(message: Message) -> Any:
        if message:
            pending.append(message)
            return cut
        result = {"jsonrpc": "2.0", "id": pending[0]["id"], "result": text_result("late")}
        return sse(message, result)

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
    client = Connections(resolver=lambda host, port: [time.sleep(1), "127.0.0.1"][1:])  # type: ignore[list-item, func-returns-value]
    with faulty(lambda message: http(200)) as upstream:
        start = time.monotonic()
        with pytest.raises(TimedOut) as caught:
            client.list_tools(upstream.endpoint(connect_timeout=0.2))
    assert time.monotonic() - start < 0.9
    assert (caught.value.executed, upstream.connections) == ("no", 0)


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
