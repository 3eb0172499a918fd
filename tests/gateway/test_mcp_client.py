"""What a server says while it works reaches the client; what the client no longer wants stops."""

import threading
import time

import anyio
import pytest

from gateway.models import Call
from tests.mcp_client import MODERN, ask, with_client

LEVEL = "io.modelcontextprotocol/logLevel"


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_progress_is_passed_on_before_the_result(cast, fixture, mcp_url, mode):
    heard = []

    async def work(client):
        async def hear(progress, total, message):
            heard.append((progress, total, message))

        return await client.call_tool("fixture__test_tool_with_progress", progress_callback=hear)

    result = with_client(mcp_url, cast.key(cast.dev), work, mode=mode)

    assert not result.is_error
    assert heard == [(0, 100, "0 of 100"), (50, 100, "50 of 100"), (100, 100, "100 of 100")]


def logged(url, key, level=None):
    """The log messages that came with the answer to one call."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "fixture__test_tool_with_logging", "arguments": {}}
    params["_meta"] = meta | ({LEVEL: level} if level else {})
    return ask(url, key, "tools/call", params).text.count("notifications/message")


def test_log_messages_come_to_whom_asked_for_them_from_their_level_on(cast, fixture, mcp_url):
    key = cast.key(cast.dev)

    assert [logged(mcp_url, key, level) for level in (None, "debug", "info", "error")] == [
        0, 3, 3, 0
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
def test_a_client_without_a_session_sets_its_level_for_its_key(cast, fixture, mcp_url):
    def heard_by(key, level):
        said = []

        async def work(client):
            if level:
                await client.set_logging_level(level)
            await client.call_tool("fixture__test_tool_with_logging")

        async def hear(params):
            said.append(params.data)

        with_client(mcp_url, key, work, mode="legacy", logging_callback=hear)
        return said

    key = cast.key(cast.dev)

    assert heard_by(cast.key(cast.dev), "") == []
    assert heard_by(key, "info")[0] == "Tool execution started"
    assert len(heard_by(key, "")) == 3


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_call_that_nobody_waits_for_is_stopped_at_its_server(cast, upstream, mcp_url, mode):
    async def work(client):
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "upstream__slow", {"seconds": 8})
            with anyio.fail_after(5):
                while not upstream.calls:
                    await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    upstream.cancelled.clear()
    started = time.monotonic()
    with_client(mcp_url, cast.key(cast.dev), work, mode=mode)
    # The server hears of it after the call is settled here.
    while time.monotonic() < started + 7 and (
        not upstream.cancelled or Call.objects.filter(state="started").exists()
    ):
        threading.Event().wait(0.02)

    assert (upstream.cancelled, time.monotonic() - started < 7) == (["slow"], True)
    assert Call.objects.get().error_code == "cancelled"
