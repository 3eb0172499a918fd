"""Which tools are taken for a tool of another server, and which are left alone."""

import pytest

from registry.likeness import Neighbour, warnings

OTHERS = [
    Neighbour("crm", "get_customer", "crm__get_customer"),
    Neighbour("crm", "search", "crm__search"),
    Neighbour("files", "listFolders", "files__listFolders"),
]


@pytest.mark.parametrize(
    ("name", "alike"),
    [
        ("get_customer", []),
        ("get_customers", ["crm/get_customer"]),
        ("getCustomer", ["crm/get_customer"]),
        ("get-custorner", ["crm/get_customer"]),
        ("get_cusotmer", ["crm/get_customer"]),
        ("set_customer", ["crm/get_customer"]),
        ("l1stFo1ders", ["files/listFolders"]),
        ("serch", ["crm/search"]),
        ("get_supplier", []),
        ("find", []),
    ],
)
def test_names_that_read_alike_are_told(name: str, alike: list[str]) -> None:
    said = [f"its name reads like that of another server's tool: {', '.join(alike)}"]
    assert warnings({"name": name}, name, OTHERS) == (said if alike else [])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Better than get_customer.", ["crm/get_customer"]),
        ("Call crm__search first.", ["crm/search"]),
        ("Use `search` instead, then listFolders.", ["crm/search", "files/listFolders"]),
        ("You may search the catalogue.", []),
        ("It will get_customers.", []),
    ],
)
def test_talk_of_other_servers_tools_is_told(text: str, named: list[str]) -> None:
    said = [f"its text names a tool of another server: {', '.join(named)}"]
    tool = {"name": "mine", "inputSchema": {"properties": {"a": {"description": text}}}}
    assert warnings(tool, "mine", OTHERS) == (said if named else [])


def test_of_many_some_are_named() -> None:
    others = [Neighbour(f"s{number}", "get_item", f"s{number}__get_item") for number in range(9)]
    (said,) = warnings({"description": "Unlike get_item."}, "mine", others)
    assert said.endswith("s3/get_item, s4/get_item and 4 more")
