"""Servers by the names that somebody typed."""

import pytest
from django.core.management.base import CommandError

from registry.selection import servers_called
from tests.registry.fixtures import a_server


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ([], ["crm", "db"]),
        (["off"], ["off"]),
        (["db", "crm", "db"], ["db", "crm"]),
    ],
)
def test_the_servers_of_the_names(db: None, typed: list[str], chosen: list[str]) -> None:
    for name in ("crm", "db", "off"):
        a_server("http://x.example.com", name, enabled=name != "off")
    assert [server.name for server in servers_called(typed)] == chosen


@pytest.mark.parametrize("name", ["CRM", "crm ", "сrm"])
def test_a_name_is_never_made_to_fit(db: None, name: str) -> None:
    a_server("http://x.example.com", "crm")
    with pytest.raises(CommandError, match="^There is no server called "):
        servers_called([name])
