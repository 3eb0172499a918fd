"""Names: what is refused, and what a model calls a tool."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from registry.naming import check_server_name, check_tool_name, qualified_name


@pytest.mark.parametrize("name", ["crm", "s3", "db_admin", "my-files", "a", "0", "x" * 32])
def test_plain_server_names_pass(name: str) -> None:
    assert check_server_name(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "a server needs a name"),
        (None, "a server needs a name"),
        (7, "a server needs a name"),
        ("x" * 33, "a server's name has at most 32 characters, this has 33"),
        ("omni2", "omni2 is reserved for the gateway's own tools"),
        ("omni2-tools", "omni2-tools is reserved for the gateway's own tools"),
        ("gateway", "gateway is reserved for the gateway's own tools"),
    ],
)
def test_a_refused_server_name_is_told_why(name: object, reason: str) -> None:
    assert check_server_name(name) == reason


@pytest.mark.parametrize(
    "name",
    [
        "crm ",
        " crm",
        "S3",
        "db__a",
        "_db",
        "db_",
        "db-",
        "a.b",
        "crm\n",
        "crm\0",
        "сrm",
        "a/b",
        "a*",
    ],
)
def test_a_server_name_that_could_be_taken_for_another_is_refused(name: str) -> None:
    assert check_server_name(name) == (
        f"{ascii(name)} is not a server's name: lower-case letters and digits, "
        "with single hyphens or underscores between them"
    )


@pytest.mark.parametrize(
    "name", ["get", "get_customer", "a.b", "files/read", "x" * 128, "Get", "a__b"]
)
def test_plain_tool_names_pass(name: str) -> None:
    assert check_tool_name(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, "its name is missing, not a string"),
        (5, "its name is a number, not a string"),
        (True, "its name is a boolean, not a string"),
        (["get"], "its name is a list, not a string"),
        ({}, "its name is an object, not a string"),
        ("", "its name is empty"),
        ("x" * 129, "its name has 129 characters; 128 are allowed"),
        ("get\0", "its name holds the control or invisible character U+0000"),
        ("get\n", "its name holds the control or invisible character U+000A"),
        ("get\u200b", "its name holds the control or invisible character U+200B"),
        ("\ufeffget", "its name holds the control or invisible character U+FEFF"),
        ("get\ud800", "its name holds the control or invisible character U+D800"),
        ("ﬁnd", "its name holds U+FB01, which is another way to write 'fi'"),
        ("dеlete", "its name holds U+0435 (CYRILLIC SMALL LETTER IE), which is not ASCII"),
        ("get customer", "its name holds ' ', which names do not have"),
        ("get*", "its name holds '*', which names do not have"),
        ("submit_approval", "its name imitates submit_approval, a tool of the gateway itself"),
        ("Submit-Approval", "its name imitates submit_approval, a tool of the gateway itself"),
        ("read_result", "its name imitates read_result, a tool of the gateway itself"),
        ("list_tools", "its name imitates list_tools, a tool of the gateway itself"),
    ],
)
def test_a_tool_of_a_strange_name_is_set_aside_with_the_reason(name: object, reason: str) -> None:
    assert check_tool_name(name) == reason


@pytest.mark.parametrize(
    ("server", "tool", "expected"),
    [
        ("crm", "get", "crm__get"),
        ("crm", "a__b", "crm__a__b"),
        ("db", "x" * 60, "db__" + "x" * 60),
        ("crm", "a.b", "crm__a_b_5197465c121646b3"),
        ("crm", "x" * 100, "crm__" + "x" * 42 + "_50bfda5ef3bf6c0d"),
    ],
)
def test_a_qualified_name_is_the_same_for_ever(server: str, tool: str, expected: str) -> None:
    assert qualified_name(server, tool) == expected


def test_qualified_names_fit_every_provider_and_are_never_shared() -> None:
    tools = [
        "a.b",
        "a/b",
        "a_b",
        "a:b",
        "a__b",
        "b",
        "_b",
        "x" * 128,
        "x" * 127,
        "x" * 61,
        "x" * 60,
    ]
    pairs = {(server, tool) for server in ["a", "db", "db_a", "s" * 32] for tool in tools}
    # What a server would call a tool to meet the cut name of another one.
    pairs |= {(server, qualified_name(server, tool)[len(server) + 2 :]) for server, tool in pairs}
    names = [qualified_name(server, tool) for server, tool in pairs]
    assert [name for name in names if not re.fullmatch("[A-Za-z0-9_-]{1,64}", name)] == []
    assert len(set(names)) == len(pairs)


OWN_COLLISIONS = [
    {"id": "own-a", "registered": [["crm", "search"], ["crm ", "search"]]},
    {"id": "own-b", "registered": [["omni2", "list_tools"]]},
    {"id": "own-c", "registered": [["crm", "Submit-Approval"]]},
    {"id": "own-d", "registered": [["db", "a__b"], ["db__a", "b"]]},
    {"id": "own-e", "registered": [["db", "a.b"], ["db", "a_b"], ["db", "a/b"]]},
    {"id": "own-f", "registered": [["gateway", "ask"]]},
]
SHARED = Path("/work/shared/data/attacks/policy_bypass.jsonl")


def collisions() -> list[Any]:
    lines = SHARED.read_text("utf-8").splitlines() if SHARED.exists() else []
    shared = [row for row in map(json.loads, lines) if row["kind"] == "collision"]
    return [pytest.param(row["registered"], id=row["id"]) for row in OWN_COLLISIONS + shared]


@pytest.mark.parametrize("registered", collisions())
def test_rows_of_collisions_are_refused_set_aside_or_kept_apart(registered: Any) -> None:
    refused = any(check_server_name(server) or check_tool_name(tool) for server, tool in registered)
    names = {qualified_name(server, tool) for server, tool in registered}

    assert refused or len(names) == len(registered)
