"""Listed tools as they are kept: storable, bounded, one for each name."""

from typing import Any

import pytest

from registry.fingerprint import fingerprint
from registry.offers import Offer, flaw_of, offers_of, storable
from tests.registry.fixtures import a_tool


def test_an_honest_tool_is_kept_as_it_is() -> None:
    tool = a_tool(title=" Search ", annotations={"readOnlyHint": True}, icons=[])
    offer = Offer.of(tool)
    assert (offer.name, offer.tool, offer.fingerprint) == ("search", tool, fingerprint(tool))
    assert (offer.title, offer.description) == ("Search", "Search the catalogue.")
    assert (offer.annotations, offer.flaw) == ({"readOnlyHint": True}, "")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a\0b", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("a😀b", "a😀b"),
        ({"k\0": ["\ud800", 1, None]}, {"k\ufffd": ["\ufffd", 1, None]}),
    ],
)
def test_what_no_database_takes_is_shown_as_a_replacement(value: Any, kept: Any) -> None:
    assert storable(value) == kept


def test_of_a_tool_that_is_too_large_only_the_name_is_kept() -> None:
    offer = Offer.of(a_tool("big", _meta={"x": "y" * 200_000}))
    assert (offer.name, offer.tool) == ("big", {"name": "big"})
    assert offer.flaw == "the tool cannot be stored: it has 200,151 bytes; 131,072 are allowed"
    assert flaw_of(offer.tool) != ""


def test_a_tool_that_is_too_deep_is_no_exception() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    offer = Offer.of(a_tool("deep", _meta=deep))
    assert offer.flaw == "the tool cannot be stored: it is more than 64 levels deep"


def test_tools_of_one_name_are_one_offer() -> None:
    (same,) = offers_of([a_tool(), a_tool()])
    assert same.flaw == ""
    (different,) = offers_of([a_tool(), a_tool(description="Other."), a_tool()])
    assert different.flaw == "its server lists two different tools of this name"


@pytest.mark.parametrize("listed", [[], [1, None, "x", []]])
def test_no_objects_are_no_offers(listed: list[Any]) -> None:
    assert offers_of(listed) == []


def test_what_is_no_name_is_kept_under_one_that_no_tool_can_have() -> None:
    names = {Offer.of(a_tool(name)).name for name in (None, 1, "a b", "a\tb", "", ["x"])}
    assert len(names) == 6
    assert [name for name in names if flaw_of(a_tool(name)) == ""] == []
