"""The command that reads tools anew, as an operator sees it."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.registry.fixtures import CLOSED_PORT, RawServer, a_server, a_tool, raw_server


@pytest.fixture
def upstream(settings: Any, db: None) -> Iterator[RawServer]:
    with raw_server([a_tool("search"), a_tool("bad name")]) as raw:
        settings.INTERNAL_ADDRESSES = [raw.address, f"127.0.0.1:{CLOSED_PORT}"]
        yield raw


def run(*names: str) -> list[list[str]]:
    """The cells of the table that the command prints, one list for each line."""
    out = StringIO()
    call_command("sync_tools", *names, stdout=out)
    lines = [line for line in out.getvalue().splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_it_says_what_is_offered_and_what_waits_and_why(upstream: RawServer) -> None:
    a_server(upstream.url)
    reason = "'bad name' (a045b8ef): its name holds ' ', which names do not have"
    assert run() == [["crm", "1", "2", "0", "0", reason]]
    upstream.tools = [a_tool("search", description="Another.")]
    reason = "search: it has changed since it was accepted: description"
    assert run("crm") == [["crm", "0", "0", "1", "1", reason]]


def test_a_server_that_fails_is_named_and_the_others_are_synced(upstream: RawServer) -> None:
    good = a_server(upstream.url, "good")
    a_server(f"http://127.0.0.1:{CLOSED_PORT}/mcp", "away")
    with pytest.raises(CommandError, match="^not synced: away$") as raised:
        run()
    assert raised.value.returncode == 1
    assert good.tools.filter(state="offered").count() == 1


def test_an_unknown_name_is_answered_with_the_nearest(upstream: RawServer) -> None:
    a_server(upstream.url)
    with pytest.raises(CommandError, match=r"^There is no server called cmr\. Did you mean crm\?$"):
        run("crm", "cmr")
    with pytest.raises(CommandError, match=r"^There is no server called zzz\.$"):
        run("zzz")


def test_a_disabled_server_is_left_out_and_refused_by_name(upstream: RawServer) -> None:
    server = a_server(upstream.url, enabled=False)
    assert run() == []
    with pytest.raises(CommandError, match="^not synced: crm$"):
        run("crm")
    assert server.tools.count() == 0
