"""The synchronous client against real servers: listing, calling, ending, starting again."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.mcp.client import Connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import (
    BadAnswer,
    BadArguments,
    Cancelled,
    GuardRefused,
    TimedOut,
    TooLarge,
    Unreachable,
)
from tests.fakes.faulty_upstream import Message, answered, faulty, raw_json, text_result
from tests.fakes.mcp_server import Upstream, listen, serve, stdio_argv
from tests.fakes.mcp_tools import default_tools
from tests.ipv6 import HERE, SPELLINGS, needs_ipv6

REPOSITORY = Path(__file__).parent.parent.parent
MODERN, HANDSHAKE = "2026-07-28", "2025-11-25"


@pytest.fixture(scope="module")
def old_fake() -> Iterator[Upstream]:
    with serve(generation="2025") as running:
        yield running


@pytest.fixture(params=["http", "http, plain JSON", "http, 2025", "sse", "stdio"])
def way(
    request: pytest.FixtureRequest, fake: Upstream, old_fake: Upstream
) -> Iterator[tuple[Endpoint, str]]:
    """An endpoint by each transport, with the protocol version that has to be agreed on."""
    if request.param == "http":
        yield fake.endpoint(), MODERN
    elif request.param == "http, plain JSON":
        with serve(json_response=True) as plain:
            yield plain.endpoint(), MODERN
    elif request.param == "http, 2025":
        yield old_fake.endpoint(), HANDSHAKE
    elif request.param == "sse":
        yield fake.endpoint(transport="sse", url=fake.sse_url), HANDSHAKE
    else:
        yield Endpoint("child", "stdio", argv=stdio_argv(), cwd=str(REPOSITORY)), MODERN


def test_lists_and_calls_by_every_transport(client: Connections, way: tuple[Endpoint, str]) -> None:
    endpoint, version = way
    listing = client.list_tools(endpoint)
    assert listing.tools == [tool.definition() for tool in default_tools()]
    assert (listing.protocol_version, listing.skipped) == (version, 0)
    assert listing.server_info == {"name": "fake-upstream", "version": "1.0"}
    assert listing.instructions == "A server for tests."
    result = client.call_tool(endpoint, "add", {"a": 1, "b": 2})
    assert result["structuredContent"] == {"sum": 3}
    assert client.call_tool(endpoint, "fail", {})["isError"] is True
    assert 0 < client.ping(endpoint) < 5000


@needs_ipv6
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("transport", "generation", "version"),
    [("http", "both", MODERN), ("http", "2025", HANDSHAKE), ("sse", "2025", HANDSHAKE)],
)
def test_an_ipv6_address_is_reached_however_it_is_spelled(
    client: Connections, transport: str, generation: str, version: str, spelling: str
) -> None:
    with serve(generation=generation, host=HERE) as upstream:
        url = upstream.sse_url if transport == "sse" else upstream.url
        endpoint = upstream.endpoint(transport=transport, url=url.replace("[::1]", spelling))
        assert client.list_tools(endpoint).protocol_version == version
        seen = client.call_tool(endpoint, "headers", {})["structuredContent"]
        client.close_all()

    assert seen["host"] == upstream.address
    assert {headers["host"] for _, _, headers in upstream.requests} == {f"[::1]:{upstream.port}"}


@needs_ipv6
@pytest.mark.parametrize("listed", ["127.0.0.1", "[::2]", "localhost"])
def test_an_ipv6_address_that_is_not_listed_is_not_dialled(
    client: Connections, listed: str
) -> None:
    with serve(host=HERE) as upstream:
        allowed = frozenset({f"{listed}:{upstream.port}"})
        with pytest.raises(GuardRefused):
            client.list_tools(upstream.endpoint(internal_addresses=allowed))
        assert upstream.requests == []


def test_unknown_fields_are_kept(client: Connections) -> None:
    odd = {"name": "odd", "inputSchema": {"type": "object"}, "x-vendor": {"a": [1, None]}}

    def answer(message: Message) -> bytes:
        if message["method"] == "tools/list":
            return answered(message, {"tools": [odd]})
        return answered(message, {**text_result("hi"), "x-vendor": 1})

    with faulty(answer) as upstream:
        assert client.list_tools(upstream.endpoint()).tools == [odd]
        assert client.call_tool(upstream.endpoint(), "odd", {})["x-vendor"] == 1


def test_invalid_tool_breaks_neither_the_list_nor_the_calls(client: Connections) -> None:
    tools = [{"name": "good", "inputSchema": {"type": "object"}}, {"name": 7, "inputSchema": "?"}]

    def answer(message: Message) -> bytes:
        if message["method"] == "tools/list":
            return answered(message, {"tools": [*tools, "not even an object"]})
        return answered(message, text_result("fine"))

    with faulty(answer) as upstream:
        listing = client.list_tools(upstream.endpoint())
        result = client.call_tool(upstream.endpoint(), "good", {})
    assert (listing.tools, listing.skipped) == (tools, 1)
    assert result["content"] == [{"type": "text", "text": "fine"}]


def _paged(pages: int, each: int = 1, size: int = 10, cursor: str = "{}") -> Any:
    """An answer to tools/list in so many pages of so many tools."""

    def answer(message: Message) -> bytes:
        page = int(message["params"].get("cursor", 0))
        tools = [{"name": f"t{page}-{i}", "description": "x" * size} for i in range(each)]
        more = {} if page == pages - 1 else {"nextCursor": cursor.format(page + 1)}
        return answered(message, {"tools": tools, **more})

    return answer


def test_all_pages_are_gathered(client: Connections) -> None:
    with faulty(_paged(3, each=2)) as upstream:
        names = [tool["name"] for tool in client.list_tools(upstream.endpoint()).tools]
    assert names == ["t0-0", "t0-1", "t1-0", "t1-1", "t2-0", "t2-1"]


LISTINGS = {
    "upstream_faults-024 the same cursor for ever": (_paged(99, cursor="0"), BadAnswer, 2),
    "more than 50 pages": (_paged(51), TooLarge, 50),
    "upstream_faults-023 more than 500 tools": (_paged(1, each=501), TooLarge, 1),
    "more than 2 MiB": (_paged(9, each=2, size=600_000), TooLarge, 2),
    "no list": (lambda message: raw_json(message, '{"tools": {}}'), BadAnswer, 1),
}


@pytest.mark.parametrize(("answer", "expected", "pages"), LISTINGS.values(), ids=LISTINGS.keys())
def test_listing_is_bounded(client: Connections, answer: Any, expected: type, pages: int) -> None:
    with faulty(answer) as upstream, pytest.raises(BadAnswer) as caught:
        client.list_tools(upstream.endpoint())
    assert (type(caught.value), upstream.methods().count("tools/list")) == (expected, pages)


def test_500_tools_and_50_pages_are_allowed(client: Connections) -> None:
    with faulty(_paged(50, each=10)) as upstream:
        assert len(client.list_tools(upstream.endpoint()).tools) == 500


def test_nobody_there_is_unreachable_and_safe_to_retry(client: Connections) -> None:
    listening = listen()
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    listening.close()
    endpoint = Endpoint(
        "gone", "http", f"http://{address}/mcp", internal_addresses=frozenset({address})
    )
    with pytest.raises(Unreachable) as caught:
        client.call_tool(endpoint, "echo", {"text": "x"})
    assert caught.value.executed == "no"


def test_call_that_outlives_its_time_is_unknown_and_not_repeated(
    client: Connections, fake: Upstream
) -> None:
    start = time.monotonic()
    with pytest.raises(TimedOut) as caught:
        client.call_tool(fake.endpoint(), "slow", {"seconds": 5}, timeout=0.2)
    assert time.monotonic() - start < 1.2
    assert caught.value.executed == "unknown"
    assert fake.calls == [("slow", {"seconds": 5})]


def test_endpoints_own_time_counts_where_none_is_given(client: Connections, fake: Upstream) -> None:
    with pytest.raises(TimedOut):
        client.call_tool(fake.endpoint(call_timeout=0.1), "slow", {"seconds": 5})


def _cancelling(after: float, how: str) -> Any:
    if how == "callable":
        end = time.monotonic() + after
        return lambda: time.monotonic() > end
    event = threading.Event()
    threading.Timer(after, event.set).start()
    return event


@pytest.mark.parametrize("how", ["callable", "event"])
@pytest.mark.parametrize("transport", ["http", "http, 2025", "sse"])
def test_cancelled_call_ends_at_once_and_the_server_is_told(
    client: Connections, old_fake: Upstream, fake: Upstream, transport: str, how: str
) -> None:
    upstream = old_fake if transport == "http, 2025" else fake
    sse = {"transport": "sse", "url": upstream.sse_url} if transport == "sse" else {}
    endpoint = upstream.endpoint(**sse)
    client.ping(endpoint)
    told = len(upstream.cancelled)
    start = time.monotonic()
    with pytest.raises(Cancelled) as caught:
        client.call_tool(endpoint, "slow", {"seconds": 5}, cancelled=_cancelling(0.1, how))
    # 0.2 s is the promise; the rest is for a machine with other work.
    assert time.monotonic() - start < 0.1 + 0.4
    assert caught.value.executed == "unknown"
    end = time.monotonic() + 2
    while len(upstream.cancelled) == told and time.monotonic() < end:
        time.sleep(0.01)
    assert upstream.cancelled[told:] == ["slow"]
    assert client.call_tool(endpoint, "echo", {"text": "x"})["content"][0]["text"] == "x"


def test_call_cancelled_before_it_began_sends_nothing(client: Connections, fake: Upstream) -> None:
    with pytest.raises(Cancelled) as caught:
        client.call_tool(fake.endpoint(), "echo", {"text": "x"}, cancelled=lambda: True)
    assert (caught.value.executed, fake.calls) == ("no", [])


def test_many_threads_share_a_connection_and_get_their_own_answers(
    client: Connections, fake: Upstream
) -> None:
    wrong: list[str] = []

    def ask(who: int) -> None:
        for turn in range(5):
            text = f"{who}/{turn}"
            result = client.call_tool(fake.endpoint(), "echo", {"text": text})
            if result["content"][0]["text"] != text:
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(who,)) for who in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (wrong, len(fake.calls)) == ([], 80)


DEMO_TIME = sorted(REPOSITORY.glob(".demo/servers/*/bin/mcp-server-time"))


@pytest.mark.skipif(
    not DEMO_TIME and "OMNI2_DEMO_SERVERS" not in os.environ, reason="no demo servers installed"
)
def test_server_of_other_people_answers(client: Connections) -> None:
    endpoint = Endpoint(
        "time", "stdio", argv=(str(DEMO_TIME[0]), "--local-timezone", "UTC"), connect_timeout=30
    )
    names = [tool["name"] for tool in client.list_tools(endpoint, timeout=30).tools]
    assert names == ["get_current_time", "convert_time"]
    result = client.call_tool(endpoint, "get_current_time", {"timezone": "Asia/Tokyo"})
    assert "Asia/Tokyo" in result["content"][0]["text"]


UNSENDABLE = {"NaN": float("nan"), "a lone surrogate": "\ud800", "an object": object()}


@pytest.mark.parametrize("value", UNSENDABLE.values(), ids=UNSENDABLE.keys())
def test_what_cannot_be_sent_hurts_nobody_else(
    client: Connections, fake: Upstream, value: Any
) -> None:
    with pytest.raises(BadArguments) as caught:
        client.call_tool(fake.endpoint(), "echo", {"text": value})
    assert (caught.value.executed, fake.calls) == ("no", [])


def test_the_face_alone_does_not_load_the_sdk() -> None:
    program = "import sys, registry.mcp.client; print({'mcp', 'mcp_types'} & {*sys.modules})"
    ran = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True)
    assert ran.stdout == b"set()\n"


# --- Accounts of people ---------------------------------------------------------------------------
def test_no_two_accounts_share_a_connection_and_none_ends_anothers(
    client: Connections, old_fake: Upstream
) -> None:
    def said(account: int) -> Any:
        headers = {"Authorization": f"Bearer {account}"}
        endpoint = old_fake.endpoint("crm", headers=headers, account=account)
        return client.call_tool(endpoint, "headers", {})["structuredContent"]

    old_fake.requests.clear()
    seen = [said(account) for account in (1, 2, 1, 2)]

    assert [one["authorization"] for one in seen] == [f"Bearer {n}" for n in (1, 2, 1, 2)]
    sessions = [one["mcp-session-id"] for one in seen]
    assert (sessions[:2] == sessions[2:], len(set(sessions))) == (True, 2)


def test_of_many_accounts_those_not_used_for_longest_are_let_go(
    client: Connections, old_fake: Upstream, monkeypatch: Any
) -> None:
    monkeypatch.setattr("registry.mcp.client.ACCOUNTS_LIMIT", 2)

    def opened(account: int) -> int:
        """How many connections were opened for this call."""
        before = sum(rpc == "initialize" for _, rpc, _ in old_fake.requests)
        client.call_tool(old_fake.endpoint("crm", account=account), "echo", {"text": "x"})
        return sum(rpc == "initialize" for _, rpc, _ in old_fake.requests) - before

    assert [opened(one) for one in (1, 2, 1, 3, 1, 2)] == [1, 1, 0, 1, 0, 1]
