"""One call: when it is tried again, when the breaker hears of it, and how long it may take."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from audit import redact
from registry import breaker, bulkhead, calling, waiting
from registry.errors import BreakerOpen, CommandNotAllowed, CredentialMissing, ServerBusy
from registry.mcp.behalf import Behalf
from registry.mcp.client import connections
from registry.mcp.errors import (
    BadArguments,
    Cancelled,
    HttpRefused,
    Rejected,
    TimedOut,
    Unreachable,
)
from registry.models import Breaker, Server, Tool
from tests.fakes import mcp_server
from tests.fakes.faulty_upstream import SSE_HEAD, Message, event, faulty
from tests.fakes.mcp_server import Upstream
from tests.registry.fixtures import CLOSED_PORT, RawServer, a_server, raw_server

IDEMPOTENT = {"idempotentHint": True}


@pytest.fixture(scope="module")
def running() -> Iterator[Upstream]:
    with mcp_server.serve() as upstream:
        yield upstream
    connections.close_all()


@pytest.fixture
def upstream(running: Upstream, settings: Any, db: None) -> Upstream:
    running.calls.clear()
    running.tools = mcp_server.default_tools()
    settings.INTERNAL_ADDRESSES = [running.address, f"127.0.0.1:{CLOSED_PORT}"]
    return running


@pytest.fixture
def raw(settings: Any, db: None) -> Iterator[RawServer]:
    with raw_server() as server:
        settings.INTERNAL_ADDRESSES = [server.address]
        yield server


def a_tool_of(server: Server, name: str = "echo", **annotations: Any) -> Tool:
    return Tool(server=server, name=name, annotations=annotations)


def failures() -> int:
    return sum(Breaker.objects.values_list("failures", flat=True))


def test_a_call_gives_the_raw_result(upstream: Upstream) -> None:
    server = a_server(upstream.url)
    result = calling.call(server, a_tool_of(server), {"text": "hello"})
    assert result["content"] == [{"type": "text", "text": "hello"}]
    assert upstream.calls == [("echo", {"text": "hello"})]


def test_a_tool_that_ran_and_failed_is_a_result_and_no_failure(upstream: Upstream) -> None:
    server = a_server(upstream.url, retry_attempts=3)
    breaker.failed(server)
    assert calling.call(server, a_tool_of(server, "fail"), {})["isError"] is True
    assert (len(upstream.calls), failures()) == (1, 0)


def test_an_unknown_tool_is_the_servers_word_and_no_failure(upstream: Upstream) -> None:
    server = a_server(upstream.url, retry_attempts=3, retry_delay_seconds=0)
    with pytest.raises(Rejected):
        calling.call(server, a_tool_of(server, "nothing", **IDEMPOTENT), {})
    assert failures() == 0


def test_what_cannot_be_sent_is_the_callers_fault_and_not_tried_again(upstream: Upstream) -> None:
    server = a_server(upstream.url, retry_attempts=3, retry_delay_seconds=5)
    breaker.failed(server)
    started = time.monotonic()
    with pytest.raises(BadArguments):
        calling.call(server, a_tool_of(server, **IDEMPOTENT), {"text": object()})
    assert time.monotonic() - started < 2
    assert (upstream.calls, failures()) == ([], 1)


# --- What a server says of its credential ---------------------------------------------------------
@pytest.fixture
def credential() -> Iterator[str]:
    redact.remember("the-credential-of-it")
    yield "the-credential-of-it"
    redact.forget("the-credential-of-it")


def test_what_it_says_and_its_refusal_come_without_the_credential(
    settings: Any, db: None, credential: str
) -> None:
    def answer(message: Message) -> bytes:
        said = {"method": "notifications/message", "params": {"level": "info", "data": credential}}
        error = {"code": -32603, "message": f"bad {credential}", "data": [credential]}
        refusal = {"id": message["id"], "error": error}
        return SSE_HEAD + event({"jsonrpc": "2.0"} | said) + event({"jsonrpc": "2.0"} | refusal)

    heard: list[Any] = []
    behalf = Behalf(log_level="info", hear=lambda method, said: heard.append(said["data"]))
    with faulty(answer) as running, pytest.raises(Rejected) as caught:
        settings.INTERNAL_ADDRESSES = [running.endpoint().url.split("/")[2]]
        server = a_server(running.endpoint().url)
        calling.call(server, a_tool_of(server), {}, behalf=behalf)

    assert (str(caught.value), caught.value.data) == ("bad [redacted]", ["[redacted]"])
    assert heard == ["[redacted]"]


def test_its_result_comes_without_the_credential(upstream: Upstream, credential: str) -> None:
    server = a_server(upstream.url)

    result = calling.call(server, a_tool_of(server), {"text": f"with {credential}"})

    assert result["content"] == [{"type": "text", "text": "with [redacted]"}]


@pytest.mark.parametrize(("attempts", "tries"), [(0, 1), (1, 1), (3, 3)])
def test_what_was_not_carried_out_is_tried_again(
    upstream: Upstream, attempts: int, tries: int
) -> None:
    server = a_server(
        f"http://127.0.0.1:{CLOSED_PORT}/mcp", retry_attempts=attempts, retry_delay_seconds=0
    )
    with pytest.raises(Unreachable):
        calling.call(server, a_tool_of(server), {"text": "x"})
    assert failures() == tries


@pytest.mark.parametrize(
    ("hints", "tries"), [({}, 1), (IDEMPOTENT, 2), ({"readOnlyHint": True}, 2)]
)
def test_what_may_have_been_carried_out_is_repeated_only_where_the_tool_allows(
    raw: RawServer, hints: dict[str, bool], tries: int
) -> None:
    server = a_server(raw.url, retry_attempts=2, retry_delay_seconds=0)
    tool = a_tool_of(server, **hints)
    calling.call(server, tool, {})
    raw.status = 502
    with pytest.raises(HttpRefused):
        calling.call(server, tool, {})
    assert failures() == tries


def test_a_refused_credential_is_not_tried_again_and_is_no_failure(raw: RawServer) -> None:
    raw.status = 401
    server = a_server(raw.url, retry_attempts=3, retry_delay_seconds=0)
    with pytest.raises(HttpRefused):
        calling.call(server, a_tool_of(server, **IDEMPOTENT), {})
    assert failures() == 0


def test_five_failures_and_the_sixth_call_does_not_leave(raw: RawServer) -> None:
    server, tool = a_server(raw.url), Tool(name="echo")
    calling.call(server, tool, {})
    raw.status, raw.calls = 500, 0
    for _ in range(5):
        with pytest.raises(HttpRefused):
            calling.call(server, tool, {})
    raw.status = 200
    with pytest.raises(BreakerOpen):
        calling.call(server, tool, {})
    assert raw.calls == 0


def test_the_time_is_for_all_tries_together(upstream: Upstream) -> None:
    server = a_server(upstream.url, retry_attempts=5, retry_delay_seconds=0)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        calling.call(server, a_tool_of(server, "slow", **IDEMPOTENT), {"seconds": 9}, timeout=1)
    assert time.monotonic() - started < 3
    assert len(upstream.calls) == 1


def test_a_caller_with_more_time_gives_a_server_no_more_than_its_own(upstream: Upstream) -> None:
    server = a_server(upstream.url, timeout_seconds=0.3)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        calling.call(server, a_tool_of(server, "slow"), {"seconds": 9}, timeout=60)
    assert time.monotonic() - started < 1.5


def test_only_few_hold_a_database_connection_while_a_server_takes_its_time(
    upstream: Upstream, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = a_server(upstream.url)
    held: list[bool] = []

    def answer(*args: Any, **options: Any) -> dict[str, Any]:
        held.append(connection.connection is not None)
        return {"content": []}

    monkeypatch.setattr(connections, "call_tool", answer)
    # As with PostgreSQL's pool, which every connection should go back to.
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    tool = a_tool_of(server)
    with ExitStack() as others:
        for _ in range(waiting.FEW - 1):
            others.enter_context(waiting.few_keep_their_connection())
        calling.call(server, tool, {})
        others.enter_context(waiting.few_keep_their_connection())
        calling.call(server, tool, {})
    # Looked at again, and so connected again.
    breaker.forget()
    calling.call(server, tool, {})
    assert held == [True, False, True]


def test_a_cancelled_call_ends_at_once_and_is_no_failure(upstream: Upstream) -> None:
    server, cancelled = a_server(upstream.url), threading.Event()
    threading.Timer(0.1, cancelled.set).start()
    with pytest.raises(Cancelled):
        calling.call(server, a_tool_of(server, "slow"), {"seconds": 9}, cancelled=cancelled)
    assert failures() == 0


def test_cancelling_ends_the_wait_for_the_next_try(upstream: Upstream) -> None:
    server = a_server(
        f"http://127.0.0.1:{CLOSED_PORT}/mcp", retry_attempts=2, retry_delay_seconds=4
    )
    started = time.monotonic()
    with pytest.raises(Unreachable):
        calling.call(
            server, a_tool_of(server), {}, cancelled=lambda: time.monotonic() > started + 0.1
        )
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"authentication": "bearer"}, CredentialMissing),
        ({"transport": "stdio", "argv": ["sh"]}, CommandNotAllowed),
    ],
)
def test_a_server_that_is_not_ready_is_not_called(
    upstream: Upstream, fields: dict[str, Any], error: type[Exception]
) -> None:
    server = a_server(upstream.url, **fields)
    with pytest.raises(error):
        calling.call(server, a_tool_of(server), {"text": "x"})
    assert upstream.calls == []


def test_a_slow_server_takes_no_more_places_than_it_has(upstream: Upstream) -> None:
    slow = a_server(upstream.url, "slow", concurrent_calls=2)
    other = a_server(upstream.url, "other")
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(bulkhead.place(slow, deadline=math.inf, stops=lambda: False))
        with pytest.raises(ServerBusy, match="server slow has all 2 of its places taken") as raised:
            calling.call(slow, a_tool_of(slow), {"text": "x"}, timeout=0.1)
        assert (raised.value.executed, upstream.calls) == ("no", [])
        calling.call(other, a_tool_of(other), {"text": "other"})
    calling.call(slow, a_tool_of(slow), {"text": "slow"})
    assert upstream.calls == [("echo", {"text": "other"}), ("echo", {"text": "slow"})]
