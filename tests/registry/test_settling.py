"""One listed tool against its row. What a whole sync makes of it stands in test_discovery."""

from typing import Any

import pytest

from registry.models import Server, Tool
from registry.offers import Offer
from registry.settling import Settled, Settling, adopt, changed_parts
from tests.registry.fixtures import a_server, a_tool


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ({}, {}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": None}, {}, ["a"]),
        ({}, {"b": 1, "a": 1}, ["a", "b"]),
    ],
)
def test_changed_parts_are_named(before: Any, after: Any, parts: list[str]) -> None:
    assert changed_parts(before, after) == parts


def test_adopting_makes_the_row_say_what_the_offer_says() -> None:
    tool = a_tool(annotations={"title": "Search", "readOnlyHint": True})
    row = Tool(name="search", pending=tool, state=Tool.State.QUARANTINED, state_reason="new")
    assert adopt(row, Offer.of(tool)) == ["annotations", "description", "inputSchema", "name"]
    assert (row.title, row.description) == ("Search", "Search the catalogue.")
    assert (row.state, row.state_reason, row.pending) == ("offered", "", None)


def test_a_known_tool_that_turns_unusable_is_set_aside_and_recovers(db: None) -> None:
    server = a_server("http://crm.example.com/mcp")
    assert Settling(server).settle(Offer.of(a_tool())) == Settled("search", is_new=True)
    broken = Offer.of(a_tool(inputSchema={"type": "string"}))
    reason = "its input schema cannot be used: arguments are an object, but its type is 'string'"
    assert Settling(server).settle(broken) == Settled("search", reason, is_changed=True)
    assert Settling(server).settle(Offer.of(a_tool())) == Settled("search")
    assert server.tools.get().state == "offered"


def test_a_renamed_server_renames_what_models_see(db: None) -> None:
    server = a_server("http://crm.example.com/mcp", "old")
    Settling(server).settle(Offer.of(a_tool()))
    server.name = "new"
    server.save()
    Settling(Server.objects.get()).settle(Offer.of(a_tool()))
    assert server.tools.get().qualified_name == "new__search"
