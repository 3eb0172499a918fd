"""Health: two failures are needed to be down, one success to be up, and a change is told."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Entry
from audit.redact import remember
from registry import health
from registry.models import HealthCheck, Server
from tests.registry.fixtures import CLOSED_PORT, RawServer, a_server, raw_server


@pytest.fixture
def upstream(settings: Any, db: None) -> Iterator[RawServer]:
    with raw_server() as raw:
        settings.INTERNAL_ADDRESSES = [raw.address, f"127.0.0.1:{CLOSED_PORT}"]
        yield raw


def test_a_server_that_answers_is_up(upstream: RawServer) -> None:
    server = a_server(upstream.url)
    seen = health.check(server)
    assert (seen.ok, seen.error, server.health, server.last_error) == (True, "", "up", "")
    assert server.checked_at == seen.at


def test_a_server_that_is_not_there_is_down_with_the_reason(upstream: RawServer) -> None:
    server = a_server(f"http://127.0.0.1:{CLOSED_PORT}/mcp")
    seen = health.check(server)
    assert (seen.ok, server.health) == (False, "down")
    assert seen.error == server.last_error != ""


def test_a_credential_that_is_missing_is_told_and_nothing_is_sent(upstream: RawServer) -> None:
    server = a_server(upstream.url, authentication="bearer")
    assert health.check(server).error == ("server crm: api_key is needed for bearer authentication")


@pytest.mark.parametrize(
    ("looks", "states"),
    [
        ("+", ["up"]),
        ("-", ["down"]),
        ("+-", ["up", "up"]),
        ("+--", ["up", "up", "down"]),
        ("+-+-", ["up", "up", "up", "up"]),
        ("--+", ["down", "down", "up"]),
        ("+---+", ["up", "up", "down", "down", "up"]),
    ],
)
def test_health_follows_what_was_seen(db: None, looks: str, states: list[str]) -> None:
    server, seen = a_server("http://x.example.com"), []
    for look in looks:
        health.observe(server, error="" if look == "+" else "no answer")
        seen.append(server.health)
    assert seen == states


def test_only_a_change_is_on_the_record(db: None) -> None:
    server = a_server("http://x.example.com")
    for error in ("", "", "a", "b", "c", ""):
        health.observe(server, error=error)
    told = Entry.objects.filter(kind="registry.health").order_by("id")
    assert list(told.values_list("outcome", "detail")) == [
        ("ok", {"before": "unknown", "now": "up", "error": ""}),
        ("failed", {"before": "up", "now": "down", "error": "b"}),
        ("ok", {"before": "down", "now": "up", "error": ""}),
    ]


def test_an_error_is_kept_without_secrets_on_one_line_and_cut(db: None) -> None:
    remember("secret-of-the-upstream")
    server = a_server("http://x.example.com")
    health.observe(server, error="no:\n secret-of-the-upstream\x00 " + "x" * 600)
    assert "secret-of-the-upstream" not in server.last_error
    assert (len(server.last_error), "\n" in server.last_error) == (500, False)


def test_checks_are_kept_for_a_week(db: None) -> None:
    server = a_server("http://x.example.com")
    for days in (1, 6, 8, 30):
        at = timezone.now() - timedelta(days=days)
        HealthCheck.objects.create(server=server, ok=True, at=at)
    assert health.prune() == 2
    assert server.checks.count() == 2


def test_one_that_hangs_delays_nobody(upstream: RawServer, settings: Any) -> None:
    with raw_server() as hanging:
        hanging.hang.clear()
        settings.INTERNAL_ADDRESSES = [upstream.address, hanging.address]
        settings.MCP_CONNECT_TIMEOUT = 0.4
        a_server(hanging.url, "hangs")
        for number in range(3):
            a_server(upstream.url, f"s{number}")
        checks = health.check_all(list(Server.objects.all()))
    assert {check.server.name: check.ok for check in checks} == {
        "hangs": False,
        "s0": True,
        "s1": True,
        "s2": True,
    }
    assert checks[-1].server.name == "hangs"


def test_what_a_command_said_last_is_told_without_secrets(db: None, settings: Any) -> None:
    said = "import sys; sys.exit('no licence for password=hunter2-and-more')"
    settings.STDIO_COMMANDS = [argv := [sys.executable, "-S", "-c", said]]
    server = Server.objects.create(name="teller", transport="stdio", argv=argv)
    assert health.last_said(server) == ""
    assert not health.check(server).ok
    shown = health.last_said(server)
    assert shown.startswith("no licence for password=")
    assert "hunter2" not in shown


def test_who_did_not_answer_last_time_is_asked_last() -> None:
    names = {"a": "down", "b": "up", "c": "unknown", "d": "down"}
    servers = [Server(name=name, health=state) for name, state in names.items()]
    assert [server.name for server in health.likely_first(servers)] == ["b", "c", "a", "d"]
