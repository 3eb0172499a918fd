"""Servers in this process: found by name, asked like any other."""

import pytest

from registry.mcp import internal
from registry.mcp.client import connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import Rejected, Unreachable

TOOL = {"name": "add", "inputSchema": {"type": "object"}}


@pytest.fixture
def endpoint(monkeypatch) -> Endpoint:
    monkeypatch.setattr(internal, "_known", {})

    def call(name, arguments, account):
        return {"content": [{"type": "text", "text": f"{name} {dict(arguments)} for {account}"}]}

    internal.bring("inner", internal.InProcess(lambda: [TOOL], call, "It adds."))
    return Endpoint("inner", "internal", account=7)


def test_it_is_listed_called_and_asked_how_it_is(endpoint) -> None:
    listing = connections.list_tools(endpoint)
    assert (listing.tools, listing.instructions) == ([TOOL], "It adds.")
    result = connections.call_tool(endpoint, "add", {"a": 1})
    assert result["content"][0]["text"] == "add {'a': 1} for 7"
    assert connections.ping(endpoint) == 0


def test_it_has_tools_and_nothing_else(endpoint) -> None:
    with pytest.raises(Rejected) as refused:
        connections.ask(endpoint, "prompts/get", {"name": "x"})
    assert (refused.value.rpc_code, refused.value.executed) == (-32601, "no")


def test_one_that_nobody_brought_is_not_there(endpoint) -> None:
    other = Endpoint("outer", "internal")
    for ask in (
        lambda: connections.ping(other),
        lambda: connections.list_tools(other),
        lambda: connections.call_tool(other, "add", {}),
    ):
        with pytest.raises(Unreachable):
            ask()
