"""The record as a page: the address is its whole state."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.http import QueryDict

from audit import explorer, record
from audit.explorer import Places
from audit.filters import FILTERS
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

PLACES = Places("/list", "/list/{}", "/questions/{}")


def page(query: str, **options: Any) -> dict[str, Any]:
    return explorer.page(Entry.objects.all(), QueryDict(query), places=PLACES, **options)


def asked(address: str) -> Mapping[str, str]:
    """What an address of the list asks for."""
    assert urlsplit(address).path == "/list"
    return dict(parse_qsl(urlsplit(address).query))


@pytest.fixture
def three(db: None) -> list[Entry]:
    who = Who(person="ada@example.com", door="web")
    return [
        record.write("call.called", "ok", who=who, server="crm", tool=f"t{n}", question=f"q{n}")
        for n in range(3)
    ]


def test_pages_keep_the_filters_and_the_length(three: list[Entry]) -> None:
    first = page("server=crm&limit=2")
    assert [row.entry.tool for row in first["rows"]] == ["t2", "t1"]
    assert (first["newer"], first["newest"]) == ("", "")
    older = asked(first["older"])
    assert {name: older[name] for name in ("server", "limit")} == {"server": "crm", "limit": "2"}

    second = page(urlsplit(first["older"]).query)
    assert [row.entry.tool for row in second["rows"]] == ["t0"]
    assert asked(second["newest"]) == {"server": "crm", "limit": "2"}
    again = page(urlsplit(second["newer"]).query)
    assert [row.entry.tool for row in again["rows"]] == ["t2", "t1"]


def test_a_row_leads_to_its_entry_and_narrows_the_list(three: list[Entry]) -> None:
    row = page("outcome=ok&limit=1")["rows"][0]

    assert (row.address, row.question) == (f"/list/{three[2].pk}", "/questions/q2")
    assert {name: asked(address) for name, address in row.narrowed.items()} == {
        "person": {"outcome": "ok", "person": "ada@example.com"},
        "server": {"outcome": "ok", "server": "crm"},
        "tool": {"outcome": "ok", "tool": "t2"},
    }


def test_each_filter_that_is_on_can_be_taken_off(three: list[Entry]) -> None:
    shown = page("server=crm&from=7d&before=&text=")

    chips = {name: (value, asked(address)) for name, value, address in shown["chips"]}
    assert chips == {"server": ("crm", {"from": "7d"}), "from": ("7d", {"server": "crm"})}
    periods = {words: (asked(address), is_this) for words, address, is_this in shown["periods"]}
    assert periods["7 days"] == ({"server": "crm", "from": "7d"}, True)
    assert periods["All"] == ({"server": "crm"}, False)
    assert shown["query"] == "server=crm&from=7d"


def test_every_filter_has_its_field_but_those_that_a_page_goes_without() -> None:
    shown = page("layer=role", without=("person",))
    fields = {one.name: one for one in (*shown["fields"], *shown["more_fields"])}

    assert {*fields} == {*FILTERS} - {"person"}
    assert (fields["layer"].value, shown["is_more"]) == ("role", True)
    assert list(fields["kind"].choices) == Entry.Kind.values


def test_what_is_wrong_is_told_and_shows_nothing(three: list[Entry]) -> None:
    for query, field in (
        ("_connector=OR", "_connector"),
        ("kind=call", "kind"),
        ("limit=0", "limit"),
    ):
        shown = page(query)
        assert (shown["fault"].partition(":")[0], shown["rows"]) == (field, [])
    assert page("person=x", without=("person",))["fault"].startswith("person: ")
