"""One listed tool against its row. What a whole sync makes of it stands in test_discovery."""

from typing import Any

import pytest

from audit.models import Entry
from registry.models import Server, Tool
from registry.offers import Offer
from registry.settling import Settled, adopt, changed_parts, settle
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
    assert settle(server, [Offer.of(a_tool())]).settled == (Settled("search", is_new=True),)
    broken = Offer.of(a_tool(inputSchema={"type": "string"}))
    reason = "its input schema cannot be used: arguments are an object, but its type is 'string'"
    assert settle(server, [broken]).settled == (Settled("search", reason, is_changed=True),)
    assert settle(server, [Offer.of(a_tool())]).settled == (Settled("search"),)
    assert server.tools.get().state == "offered"


def test_a_renamed_server_renames_what_models_see(db: None) -> None:
    server = a_server("http://crm.example.com/mcp", "old")
    settle(server, [Offer.of(a_tool())])
    server.name = "new"
    server.save()
    settle(Server.objects.get(), [Offer.of(a_tool())])
    assert server.tools.get().qualified_name == "new__search"


def test_a_listing_of_many_tools_costs_few_queries(
    db: None, django_assert_max_num_queries: Any
) -> None:
    server = a_server("http://crm.example.com/mcp", trust=Server.Trust.ALWAYS)
    listings = [
        [Offer.of(a_tool(f"t{number}", description=text)) for number in range(150)]
        for text in ("One.", "One.", "Another.")
    ]
    for listing in (*listings, []):
        with django_assert_max_num_queries(12):
            settle(server, listing)
    assert set(server.tools.values_list("state", "description")) == {("gone", "Another.")}


def test_what_is_dangerous_in_a_change_is_on_the_record_once(db: None) -> None:
    server = a_server("http://crm.example.com/mcp")
    settle(server, [Offer.of(a_tool(annotations={"readOnlyHint": True}))])
    for _ in range(3):
        settle(server, [Offer.of(a_tool())])
    settle(server, [Offer.of(a_tool(annotations={"readOnlyHint": True}))])

    said = "it no longer says that it only reads"
    rows = Entry.objects.filter(tool="search").order_by("pk").values_list("kind", "detail")
    assert list(rows) == [
        (
            "tool.quarantined",
            {
                "reason": f"it has changed since it was accepted: annotations ({said})",
                "dangerous": [said],
            },
        ),
        ("registry.drift", {"reason": "it is again as it was accepted"}),
    ]
