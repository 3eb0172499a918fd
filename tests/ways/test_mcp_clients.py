"""Clients that are not ours, as people use them: they list and call through the endpoint."""

import asyncio
import json
import subprocess

import pytest

from tests import node


@pytest.mark.slow
def test_the_fastmcp_client_lists_and_calls(cast, upstream, mcp_url):
    from fastmcp import Client  # noqa: PLC0415  loads for seconds, and this test alone needs it
    from fastmcp.client.transports import StreamableHttpTransport  # noqa: PLC0415  the same

    headers = {"Authorization": f"Bearer {cast.key(cast.dev)}"}

    async def work():
        async with Client(StreamableHttpTransport(mcp_url, headers=headers)) as client:
            tools = [tool.name for tool in await client.list_tools()]
            result = await client.call_tool("upstream__add", {"a": 1, "b": 2})
            return tools, result.data or result.structured_content

    tools, result = asyncio.run(work())

    assert ("upstream__add" in tools, "upstream__write_note" in tools) == (True, False)
    assert (result, upstream.calls) == ({"sum": 3}, [("add", {"a": 1, "b": 2})])


def inspected(url, key, *options):
    """What MCP Inspector prints for one method."""
    command = [*node.program("mcp-inspector"), "--cli", url, "--transport", "http"]
    command += ["--header", f"Authorization: Bearer {key}", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.deployed
@pytest.mark.slow
@pytest.mark.skipif(not node.installed(), reason="MCP Inspector is not installed: make conformance")
def test_mcp_inspector_lists_and_calls(cast, upstream, mcp_url):
    key = cast.key(cast.dev)
    tools = inspected(mcp_url, key, "--method", "tools/list")["tools"]
    options = ("--tool-name", "upstream__echo", "--tool-arg", "text=hello")
    result = inspected(mcp_url, key, "--method", "tools/call", *options)

    names = {tool["name"] for tool in tools}
    assert ("upstream__echo" in names, "upstream__write_note" in names) == (True, False)
    assert result["content"] == [{"type": "text", "text": "hello"}]
    assert upstream.calls == [("echo", {"text": "hello"})]
