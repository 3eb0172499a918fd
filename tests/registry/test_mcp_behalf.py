"""On whose behalf a request is made: what the server may rely on, and what it says meanwhile."""

import sys

import pytest

from registry.mcp.behalf import Behalf
from registry.mcp.client import Connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import InputRequired, Rejected

ASKING = "test_input_required_result_elicitation"
FORMS = {"elicitation": {}}


@pytest.fixture
def asked(fixture_server):
    """Have a tool of the fixture called."""
    client = Connections()
    endpoint = Endpoint(
        name="fixture",
        transport="http",
        url=fixture_server.url,
        internal_addresses=frozenset({fixture_server.address}),
    )
    yield lambda tool, **behalf: client.call_tool(endpoint, tool, {}, behalf=Behalf(**behalf))
    client.close_all()


def test_nobody_behind_us_is_asked(asked):
    with pytest.raises(InputRequired):
        asked(ASKING)


def test_somebody_behind_us_is_asked_and_answers(asked):
    first = asked(ASKING, capabilities=FORMS)
    answers = {"user_name": {"action": "accept", "content": {"name": "Dev"}}}
    second = asked(ASKING, capabilities=FORMS, more={"inputResponses": answers})

    assert first["inputRequests"]["user_name"]["method"] == "elicitation/create"
    assert "Dev" in second["content"][0]["text"]


def test_what_a_server_says_meanwhile_is_heard_in_order(asked):
    heard = []
    asked("test_tool_with_progress", hear=lambda method, said: heard.append(said["progress"]))
    asked(
        "test_tool_with_logging",
        log_level="info",
        hear=lambda method, said: heard.append(said["data"]),
    )

    assert heard == [
        0, 50, 100, "Tool execution started", "Tool processing data", "Tool execution completed"
    ]  # fmt: skip


def test_a_missing_capability_keeps_what_the_server_said_of_it(asked):
    with pytest.raises(Rejected) as refused:
        asked("test_missing_capability")

    assert (refused.value.rpc_code, refused.value.data) == (
        -32021, {"requiredCapabilities": {"sampling": {}}}
    )  # fmt: skip


def test_progress_of_a_child_process_is_heard(tmp_path):
    script = tmp_path / "child.py"
    script.write_text(
        "import anyio, mcp_types as types\n"
        "from mcp.server.lowlevel import Server\n"
        "from mcp.server.stdio import stdio_server\n"
        "async def call(ctx, params):\n"
        "    await ctx.session.report_progress(1, 2)\n"
        "    return {'content': [], 'resultType': 'complete'}\n"
        "async def main():\n"
        "    server = Server('child')\n"
        "    server.add_request_handler('tools/call', types.CallToolRequestParams, call)\n"
        "    async with stdio_server() as streams:\n"
        "        await server.run(*streams, server.create_initialization_options())\n"
        "anyio.run(main)\n"
    )
    client, heard = Connections(), []
    endpoint = Endpoint(name="child", transport="stdio", argv=(sys.executable, str(script)))
    behalf = Behalf(hear=lambda method, said: heard.append(dict(said)))
    client.call_tool(endpoint, "any", {}, behalf=behalf)
    client.close_all()

    assert heard == [{"progress": 1.0, "total": 2.0}]
