"""A list answered from prepared parts says what the SDK would have said, and only there."""

import pytest

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


def test_ids_come_back_as_they_came(cast, upstream, mcp_url):
    key = cast.key(cast.dev)
    message = {"jsonrpc": "2.0", "method": "tools/list", "params": {"_meta": META}}
    ids = [0, -7, "one", '\u00fc"\\']
    answers = [post(mcp_url, message | {"id": one}, key=key, headers=HEADERS) for one in ids]

    assert [answer.json()["id"] for answer in answers] == ids
