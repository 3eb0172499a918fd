"""The command that asks servers whether they are there, as an operator sees it."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from registry.models import HealthCheck
from tests.registry.fixtures import CLOSED_PORT, RawServer, a_server, raw_server


@pytest.fixture
def upstream(settings: Any, db: None) -> Iterator[RawServer]:
    with raw_server() as raw:
        settings.INTERNAL_ADDRESSES = [raw.address, f"127.0.0.1:{CLOSED_PORT}"]
        yield raw


def test_all_there_is_exit_zero(upstream: RawServer) -> None:
    a_server(upstream.url)
    out = StringIO()
    call_command("check_servers", stdout=out)
    (line,) = [line for line in out.getvalue().splitlines() if line.startswith("│")]
    name, answers, _ms, health, error = (cell.strip() for cell in line.strip("│").split("│"))
    assert (name, answers, health, error) == ("crm", "yes", "up", "")


def test_one_away_is_named_and_the_others_are_checked(upstream: RawServer) -> None:
    a_server(upstream.url, "good")
    a_server(f"http://127.0.0.1:{CLOSED_PORT}/mcp", "away")
    with pytest.raises(CommandError, match="^no answer from: away$") as raised:
        call_command("check_servers", stdout=StringIO())
    assert raised.value.returncode == 1
    checks = HealthCheck.objects.order_by("server__name").values_list("server__name", "ok")
    assert list(checks) == [("away", False), ("good", True)]


def test_without_servers_it_says_so(db: None) -> None:
    out = StringIO()
    call_command("check_servers", stdout=out)
    assert out.getvalue() == "No enabled servers are registered.\n"


def test_an_unknown_name_is_an_error(upstream: RawServer) -> None:
    a_server(upstream.url)
    with pytest.raises(CommandError, match=r"^There is no server called crn\. Did you mean crm\?$"):
        call_command("check_servers", "crn")
