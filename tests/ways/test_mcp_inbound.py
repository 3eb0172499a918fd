"""Requests to `/mcp` that an attacker would send, each with the answer it must get."""

import json
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from accounts import access
from accounts.models import Rule
from audit.models import Entry
from tests.cast import register
from tests.fakes import mcp_server
from tests.fakes.mcp_server import FakeTool
from tests.mcp_client import HTTP, ask

REPOSITORY = Path(__file__).parents[2]
FILES = (
    REPOSITORY / "tests/data/mcp_inbound.jsonl",
    Path("/work/shared/data/attacks/mcp_inbound.jsonl"),
)
TEXT = {"id": {"type": "string"}}
# What must come back: the HTTP status, and the JSON-RPC code where there is one.
REQUIRED = {
    "no token": (401, None),
    "garbage token": (401, None),
    "token in query": (401, None),
    "scope too small": (403, None),
    "client sends X-User / X-Forwarded-User / Remote-User": (200, None),
    "Mcp-Session-Id sent to a stateless server": (200, None),
    "id object": (400, -32600),
    "batch array": (400, -32600),
    "empty body": (400, -32700),
    "UTF-16 body": (400, -32700),
    "depth 100 000": (400, -32700),
    "duplicate key name": (400, -32700),
    "tool the role may not use": (400, -32602),
    "forged requestState": (400, -32602),
    "DELETE /mcp": (405, None),
}


def rows():
    """The rows, each once."""
    found = {}
    for file in FILES:
        for line in file.read_text("utf-8").splitlines() if file.exists() else ():
            row = json.loads(line)
            found[row["id"]] = row
    return [row for row in found.values() if "method" in row["request"]]


@pytest.fixture
def crm(settings, cast):
    """A server with a tool that Dev may call, and one that Dev may not."""
    tools = [
        FakeTool("get_customer", lambda a, h: f"customer {a['id']}", "Read.", TEXT),
        FakeTool("delete_customer", lambda a, h: "gone", "Delete.", TEXT),
    ]
    with mcp_server.serve(tools) as running:
        settings.INTERNAL_ADDRESSES = [running.address]
        register(running.url, name="crm")
        Rule.objects.create(
            kind=Rule.Kind.ROLE, server="crm", role="developer", mode="allow_only",
            patterns=["get_*"],
        )  # fmt: skip
        access.publish("tests")
        yield running


def body_of(row):
    body = row["request"].get("body", "")
    if body == "(utf-16 bytes)":
        return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode("utf-16")
    if body == "[*100000":
        return b"[" * 100_000
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def send(url, row, keys):
    """The row's request, with a key where it says so."""
    request = row["request"]
    path = request["path"].removeprefix("/mcp").replace("$KEY", keys["$KEY"])
    headers = {
        name: value.replace("$KEY", keys["$KEY"]).replace("$READONLY", keys["$READONLY"])
        for name, value in request["headers"].items()
    }
    return HTTP.request(request["method"], url + path, headers=headers, content=body_of(row))


def test_every_row_gets_its_answer(cast, crm, mcp_url):
    keys = {"$KEY": cast.key(cast.dev), "$READONLY": cast.key(cast.dev, scopes=["read"])}
    answers, before = {}, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for row in rows():
        answers[row["case"]] = send(mcp_url, row, keys)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    said = {case: (one.status_code, code_of(one)) for case, one in answers.items()}
    assert said == {case: REQUIRED[case] for case in answers}
    assert (grown < 20 * 1024, len(answers) >= 15) == (True, True)
    assert not any("mcp-session-id" in one.headers for one in answers.values())
    assert crm.calls == [("get_customer", {"id": "1"})] * 2
    # What is spelled out in the address is on no record and in no log of ours.
    assert keys["$KEY"].split("_", 2)[2] not in str(list(Entry.objects.values()))


def code_of(answer):
    kind = answer.headers.get("content-type", "")
    error = answer.json().get("error", {}) if kind == "application/json" else {}
    return error["code"] if isinstance(error.get("code"), int) else None


def test_a_forbidden_tool_and_an_unknown_one_are_answered_alike(cast, crm, mcp_url):
    key = cast.key(cast.dev)
    forbidden, unknown = (
        ask(mcp_url, key, "tools/call", {"name": name, "arguments": {"id": "1"}})
        for name in ("crm__delete_customer", "crm__no_such_tool")
    )

    assert (forbidden.status_code, forbidden.content) == (unknown.status_code, unknown.content)
    refused = Entry.objects.filter(kind="call.refused").order_by("pk")
    assert [(e.tool, e.error_code) for e in refused] == [
        ("delete_customer", "refused"),
        ("crm__no_such_tool", "unknown_tool"),
    ]


def test_a_list_is_ones_own_and_no_cache_may_share_it(cast, crm, mcp_url):
    as_ada, as_dev, as_guest = (
        ask(mcp_url, cast.key(user), "tools/list").json()["result"]
        for user in (cast.ada, cast.dev, cast.guest)
    )

    names = [[tool["name"] for tool in one["tools"]] for one in (as_ada, as_dev, as_guest)]
    assert names == [["crm__delete_customer", "crm__get_customer"], ["crm__get_customer"], []]
    assert {one["cacheScope"] for one in (as_ada, as_dev, as_guest)} == {"private"}


def test_two_hundred_lists_at_once_are_all_alike(cast, upstream, mcp_url):
    key = cast.key(cast.dev)
    with ThreadPoolExecutor(20) as pool:
        listed = list(pool.map(lambda _: ask(mcp_url, key, "tools/list").json(), range(200)))

    assert len(listed[0]["result"]["tools"]) == 7
    assert all(one == listed[0] for one in listed)
