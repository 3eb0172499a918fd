"""Answers that are none: statuses, redirects, other bodies, JSON-RPC errors."""

import asyncio

import pytest

from registry.mcp.client import Connections
from registry.mcp.errors import BadAnswer, HttpRefused, InputRequired, Rejected, Unreachable
from tests.fakes.faulty_upstream import answered, faulty, http, rpc_error, text_result
from tests.registry.faults import failure

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
