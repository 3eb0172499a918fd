"""From a row to an endpoint: only allowed commands, only our own headers."""

from typing import Any

import pytest
from django.conf import settings

from registry.credentials import seal
from registry.endpoints import check_command, endpoint_of
from registry.errors import CommandNotAllowed, CredentialRefused
from registry.mcp.endpoint import Endpoint
from registry.models import Server

COMMAND = ["/usr/bin/mcp-server-time", "--local-timezone", "UTC"]


@pytest.fixture(autouse=True)
def deployment(settings: Any) -> None:
    settings.STDIO_COMMANDS = [COMMAND]
    settings.INTERNAL_ADDRESSES = ["crm.internal:8080"]
    settings.MCP_CONNECT_TIMEOUT = 3.0


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_the_endpoint_of_a_url(transport: str) -> None:
    server = Server(
        name="crm",
        transport=transport,
        url="https://crm.example.com/mcp",
        authentication="bearer",
        sealed=seal({"authentication": {"api_key": "abcdefgh"}}),
        timeout_seconds=12,
        connection_max_age_seconds=60,
        protocol_version="2025-11-25",
    )
    assert endpoint_of(server) == Endpoint(
        name="crm",
        transport=transport,
        url="https://crm.example.com/mcp",
        headers={"Authorization": "Bearer abcdefgh"},
        connect_timeout=3.0,
        call_timeout=12,
        internal_addresses=frozenset({"crm.internal:8080"}),
        max_age_seconds=60,
        generation_hint="2025-11-25",
    )


def test_the_endpoint_of_a_command() -> None:
    server = Server(
        name="time",
        transport="stdio",
        argv=COMMAND,
        cwd="/srv",
        sealed=seal({"env": {"TZ": "UTC"}}),
    )
    assert endpoint_of(server) == Endpoint(
        name="time",
        transport="stdio",
        argv=tuple(COMMAND),
        env={"TZ": "UTC"},
        cwd="/srv",
        connect_timeout=3.0,
        call_timeout=30,
        idle_seconds=settings.STDIO_IDLE_SECONDS,
    )


@pytest.mark.parametrize(
    "argv",
    [
        [],
        COMMAND[:1],
        [*COMMAND, "--eval"],
        ["mcp-server-time", *COMMAND[1:]],
        [COMMAND[0], "--local-timezone", "utc"],
        [" ".join(COMMAND)],
        ["sh", "-c", " ".join(COMMAND)],
        " ".join(COMMAND),
        {"0": COMMAND[0]},
        None,
    ],
)
def test_a_command_that_is_not_listed_word_for_word_is_refused(argv: Any) -> None:
    with pytest.raises(CommandNotAllowed) as raised:
        endpoint_of(Server(name="x", transport="stdio", argv=argv))
    assert "OMNI2_STDIO_COMMANDS" in raised.value.hint


def test_a_refused_command_keeps_its_arguments_to_itself() -> None:
    with pytest.raises(CommandNotAllowed) as raised:
        check_command(["sh", "--token", "abc"])
    assert str(raised.value) == (
        "this deployment does not allow the command 'sh' with these arguments"
    )


def test_without_a_list_no_command_is_allowed(settings: Any) -> None:
    check_command(COMMAND)
    settings.STDIO_COMMANDS = []
    with pytest.raises(CommandNotAllowed):
        check_command(COMMAND)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "LD_PRELOAD",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "NODE_OPTIONS",
        "BASH_ENV",
        "git_ssh",
        "ENV",
    ],
)
def test_a_variable_that_could_make_it_another_command_is_refused(name: str) -> None:
    sealed = seal({"env": {name: "/tmp/x"}})
    with pytest.raises(CredentialRefused, match=f"the variable {name} could turn its command"):
        endpoint_of(Server(name="x", transport="stdio", argv=COMMAND, sealed=sealed))


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "NODE_ENV", "PYTHONUNBUFFERED", "HOME", "ENVIRON"]
)
def test_other_variables_are_passed_on(name: str) -> None:
    sealed = seal({"env": {name: "value"}})
    server = Server(name="x", transport="stdio", argv=COMMAND, sealed=sealed)
    assert endpoint_of(server).env == {name: "value"}
