"""What is answered past the SDK says what the SDK would have said, and only where it would."""

import pytest

from gateway.mcp_endpoint import calling, ready
from tests.approving import confirm
from tests.mcp_client import MODERN, ask, post

CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
META = {"io.modelcontextprotocol/protocolVersion": MODERN, CAPABILITIES: {}}
HEADERS = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"}


@pytest.mark.parametrize("server", ["", "/upstream"])
def test_it_is_the_very_answer_of_the_sdk(cast, upstream, mcp_url, server):
    key = cast.key(cast.dev)
    prepared = ask(mcp_url + server, key, "tools/list")
    # The SDK takes wildcards as well, which are left to it.
    by_sdk = ask(mcp_url + server, key, "tools/list", headers={"Accept": "*/*"})

    assert prepared.json() == by_sdk.json()
    assert (prepared.status_code, prepared.headers["Content-Type"]) == (200, "application/json")
    assert prepared.headers["Cache-Control"] == "private, no-store"
    assert len(prepared.json()["result"]["tools"]) == 7


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ({}, {"Mcp-Method": "prompts/list"}, 400, -32020),
        ({"params": {}}, {}, 400, -32602),
        ({"params": {"_meta": META | {CAPABILITIES: 7}}}, {}, 400, -32602),
        ({"params": {"_meta": META, "cursor": "2"}}, {}, 400, -32602),
        ({"jsonrpc": "1.0"}, {}, 400, -32600),
        ({}, {"MCP-Protocol-Version": "2027-01-01"}, 400, -32020),
    ],
)  # fmt: skip
def test_what_is_not_in_order_is_answered_by_the_sdk(
    cast, upstream, mcp_url, body, headers, status, code
):
    wanted = {"jsonrpc": "2.0", "id": "one", "method": "tools/list", "params": {"_meta": META}}
    answer = post(mcp_url, wanted | body, key=cast.key(cast.dev), headers=HEADERS | headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("tool", "arguments", "status"),
    [
        ("add", {"a": 1, "b": 2}, 200),
        ("echo", {"text": "gr\u00fc\u00dfe \u0000 \ud83d\ude00"}, 200),
        ("echo", {}, 200),
        ("fail", {}, 200),
        ("headers", {"waits": "for a yes"}, 200),
        ("write_note", {"text": "may not"}, 400),
        ("nobody_has_it", {}, 400),
        ("delete", {}, 400),
    ],
)
def test_a_call_is_the_very_answer_of_the_sdk(cast, upstream, mcp_url, tool, arguments, status):
    confirm("headers")
    key, wanted = cast.key(cast.dev), {"name": f"upstream__{tool}", "arguments": arguments}
    straight = ask(mcp_url, key, "tools/call", wanted)
    by_sdk = ask(mcp_url, key, "tools/call", wanted, headers={"Accept": "*/*"})

    assert straight.json() == by_sdk.json()
    assert (straight.status_code, by_sdk.status_code) == (status, status)
    assert straight.headers["Content-Type"] == "application/json"
    assert straight.headers["Cache-Control"] == "private, no-store"


def test_an_error_that_nobody_foresaw_tells_nothing(cast, upstream, mcp_url, monkeypatch):
    def broken(client, params):
        raise RuntimeError("s3cret")

    monkeypatch.setattr(calling, "call_tool", broken)
    answer = ask(mcp_url, cast.key(cast.dev), "tools/call", {"name": "upstream__add"})

    assert (answer.status_code, "s3cret" in answer.text) == (200, False)
    assert answer.json()["error"] == {"code": -32603, "message": "Internal server error"}


@pytest.mark.parametrize("wish", [{"progressToken": 7}, {ready.WANTS_TO_HEAR[1]: "info"}])
def test_who_wants_to_hear_what_is_said_meanwhile_is_left_to_the_sdk(
    cast, upstream, mcp_url, monkeypatch, wish
):
    monkeypatch.setattr(ready, "answer", lambda *_, **__: 1 / 0)
    wanted = {"name": "upstream__echo", "arguments": {"text": "x"}, "_meta": META | wish}
    answer = ask(mcp_url, cast.key(cast.dev), "tools/call", wanted)

    assert answer.json()["result"]["content"][0]["text"] == "x"


def test_ids_come_back_as_they_came(cast, upstream, mcp_url):
    key = cast.key(cast.dev)
    message = {"jsonrpc": "2.0", "method": "tools/list", "params": {"_meta": META}}
    ids = [0, -7, "one", '\u00fc"\\']
    answers = [post(mcp_url, message | {"id": one}, key=key, headers=HEADERS) for one in ids]

    assert [answer.json()["id"] for answer in answers] == ids
