"""A client that listens hears when its own lists change, and of nobody else's."""

import anyio
import pytest
from anyio import to_thread
from mcp.shared.exceptions import MCPError

from accounts import access
from accounts.models import ApiKey, Rule
from gateway.mcp_endpoint import listening
from registry import calling, discovery
from registry.hearing import Hearing
from registry.mcp.client import connections
from registry.models import Server, Tool
from tests.mcp_client import MODERN, ask, with_client


def heard(url, key, *changes, within=1.0):
    """What a stream tells after each of the changes: the names of the events, in order."""

    async def work(client):
        events = []
        async with client.listen(tools_list_changed=True, prompts_list_changed=True) as stream:
            for change in changes:
                await to_thread.run_sync(change)
                with anyio.move_on_after(within):
                    events.append(type(await anext(aiter(stream))).__name__)
        return events

    return with_client(url, key, work, mode=MODERN)


def allow(*patterns):
    Rule.objects.filter(role="developer", server="upstream").update(patterns=list(patterns))
    access.publish("tests")


def test_a_change_of_the_policy_or_of_a_tool_is_told(cast, upstream, mcp_url):
    told = heard(
        mcp_url,
        cast.key(cast.dev),
        lambda: allow("*"),
        lambda: Tool.objects.filter(name="echo").update(state=Tool.State.QUARANTINED),
    )

    assert told == ["ToolsListChanged", "ToolsListChanged"]


def test_a_change_at_a_server_is_told_once_it_is_accepted_here(cast, fixture, mcp_url):
    """The whole way: the server says so, it is read anew here, and whoever listens hears of it."""
    connections.close_all()
    listening_here = Hearing()
    listening_here.start()
    # The connection by which it is heard is open before anything changes.
    discovery.sync(fixture)
    try:
        told = heard(
            mcp_url,
            cast.key(cast.dev),
            lambda: calling.call(fixture, fixture.tools.get(name="test_trigger_tool_change"), {}),
            lambda: calling.call(fixture, fixture.tools.get(name="test_trigger_prompt_change"), {}),
            within=5,
        )
    finally:
        listening_here.stop()
    assert told == ["ToolsListChanged", "PromptsListChanged"]


def test_what_changes_for_others_is_not_told(cast, upstream, mcp_url, monkeypatch):
    monkeypatch.setattr(listening, "LOOK_SECONDS", 0.02)
    told = heard(mcp_url, cast.key(cast.guest), lambda: allow("echo"), within=0.3)

    assert told == []


def test_prompts_are_told_as_prompts(cast, fixture, mcp_url):
    def fewer():
        Server.objects.filter(name="fixture").update(offerings={"prompts": []})

    assert heard(mcp_url, cast.key(cast.dev), fewer) == ["PromptsListChanged"]


def test_the_stream_ends_when_its_key_does(cast, upstream, mcp_url):
    key = cast.key(cast.dev)

    async def work(client):
        async with client.listen(tools_list_changed=True) as stream:
            await to_thread.run_sync(lambda: [one.revoke() for one in ApiKey.objects.all()])
            with anyio.fail_after(3):
                return [event async for event in stream]

    assert with_client(mcp_url, key, work, mode=MODERN) == []


def test_nobody_holds_more_than_their_part_of_the_streams(cast, upstream, mcp_url, monkeypatch):
    monkeypatch.setattr(listening, "MOST_OF_ONE", 1)

    async def work(client):
        async with client.listen(tools_list_changed=True):
            with pytest.raises(MCPError, match="Too many"):
                async with client.listen(tools_list_changed=True):
                    pass

    with_client(mcp_url, cast.key(cast.dev), work, mode=MODERN)


def test_what_is_not_watched_is_not_promised(cast, upstream, mcp_url):
    found = ask(mcp_url, cast.key(cast.dev), "server/discover").json()["result"]

    assert found["capabilities"]["tools"] == {"listChanged": True}
    assert found["capabilities"]["resources"] == {"listChanged": True, "subscribe": False}
