"""The endpoint, asked by the official client in every way it has."""

import pytest

from registry.models import Server
from tests.cast import register
from tests.mcp_client import ask, call_tool, list_tools

MODES = ("auto", "legacy", "2026-07-28")


@pytest.mark.parametrize("mode", MODES)
def test_the_official_client_lists_and_calls(cast, upstream, mcp_url, mode):
    key = cast.key(cast.dev)
    listed = list_tools(mcp_url, key, mode=mode)
    result = call_tool(mcp_url, key, "upstream__echo", {"text": "hello"}, mode=mode)

    assert "upstream__echo" in listed and "upstream__delete_everything" not in listed
    assert (result.content[0].text, result.is_error) == ("hello", False)
    assert upstream.calls == [("echo", {"text": "hello"})]


def test_one_server_alone_has_its_tools_own_names(cast, upstream, mcp_url):
    key = cast.key(cast.dev)
    whole, alone = list_tools(mcp_url, key), list_tools(f"{mcp_url}/upstream", key)
    result = call_tool(f"{mcp_url}/upstream", key, "echo", {"text": "hello"})

    assert alone == [name.removeprefix("upstream__") for name in whole]
    assert result.content[0].text == "hello"


def test_a_server_nobody_knows_and_one_out_of_reach_look_alike(cast, upstream, mcp_url):
    key = cast.key(cast.guest)

    assert list_tools(f"{mcp_url}/upstream", key) == list_tools(f"{mcp_url}/nowhere", key) == []


def test_a_server_may_do_without_the_prefix(cast, upstream, mcp_url):
    Server.objects.update(tool_prefix=False)
    key = cast.key(cast.dev)
    listed = list_tools(mcp_url, key)
    result = call_tool(mcp_url, key, "echo", {"text": "hello"})
    unknown = ask(mcp_url, key, "tools/call", {"name": "upstream__echo", "arguments": {}})

    assert ("echo" in listed, result.content[0].text) == (True, "hello")
    assert unknown.json()["error"]["message"] == "There is no such tool."


def test_a_key_for_some_servers_reaches_no_other(cast, upstream, mcp_url):
    register(upstream.url, name="other")
    key = cast.key(cast.ada, servers=["other"])
    result = call_tool(mcp_url, key, "other__echo", {"text": "x"})

    assert {name.partition("__")[0] for name in list_tools(mcp_url, key)} == {"other"}
    assert result.content[0].text == "x"
    beyond = ask(mcp_url, key, "tools/call", {"name": "upstream__echo", "arguments": {}})
    assert beyond.json()["error"]["message"] == "There is no such tool."


def test_a_tool_is_listed_whole_but_for_what_the_gateway_fills_in(cast, upstream, mcp_url):
    Server.objects.update(argument_defaults={"b": 1})
    tools = ask(mcp_url, cast.key(cast.dev), "tools/list").json()["result"]["tools"]
    [add] = [tool for tool in tools if tool["name"] == "upstream__add"]

    schema = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
    assert add == {
        "name": "upstream__add",
        "description": "Add two numbers.",
        "inputSchema": schema,
        "annotations": {"readOnlyHint": True},
    }


def test_there_is_one_page(cast, upstream, mcp_url):
    answer = ask(mcp_url, cast.key(cast.dev), "tools/list", {"cursor": "2"})

    assert answer.json()["error"]["code"] == -32602
