"""What waits for a decision, over REST: seen with its difference, decided as it was seen."""

import pytest

from audit.models import Entry
from registry.models import Server, Tool
from tests.admin_pages import tool
from tests.registry.fixtures import a_server

pytestmark = pytest.mark.django_db

DRIFT = "/api/admin/drift"


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


@pytest.fixture
def shop(cast):
    server = Server.objects.create(name="shop", transport="http", url="https://mcp.example.com/mcp")
    for name in ("search", "order"):
        tool(server, name)
    return server


def decide(client, verb, **tools):
    return client.post(f"/api/admin/servers/shop/drift/{verb}", {"tools": tools}, format="json")


def test_what_waits_is_told_with_what_is_dangerous(ada, shop):
    page = ada.get(DRIFT, {"server": "shop", "limit": 1}).json()

    (order,) = page["items"]
    assert (page["total"], order["tool"], order["flaw"]) == (2, "order", "")
    assert [one["said"] for one in order["differences"] if one["dangerous"]] == [
        "new wording: it holds invisible characters"
    ]
    assert order["accepted"]["description"] == "Search."
    assert ada.get(DRIFT, {"server": "other"}).json()["items"] == []
    assert ada.get(DRIFT, {"rejected": "true"}).json()["items"] == []


def test_one_some_or_all_are_decided_as_they_were_seen(ada, shop):
    seen = {one["tool"]: one["fingerprint"] for one in ada.get(DRIFT).json()["items"]}

    answer = decide(ada, "accept", **seen)
    assert (answer.status_code, {one["state"] for one in answer.json()}) == (200, {"offered"})
    assert ada.get(DRIFT).json()["total"] == 0

    answer = decide(ada, "reject", search=seen["search"])
    assert answer.json()[0]["state"] == "quarantined"
    (rejected,) = ada.get(DRIFT, {"rejected": "true"}).json()["items"]
    assert (rejected["tool"], rejected["rejected_by"]) == ("search", "ada@example.com")
    kinds = Entry.objects.filter(kind__startswith="tool.").order_by("pk")
    assert list(kinds.values_list("kind", "person", "door")) == [
        ("tool.accepted", "ada@example.com", "rest"),
        ("tool.accepted", "ada@example.com", "rest"),
        ("tool.quarantined", "ada@example.com", "rest"),
    ]


@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_what_changed_meanwhile_is_a_conflict_and_nothing_is_decided(ada, shop, verb):
    seen = {one["tool"]: one["fingerprint"] for one in ada.get(DRIFT).json()["items"]}
    Tool.objects.filter(name="search").update(pending={"name": "search", "description": "B."})

    answer = decide(ada, verb, **seen)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "cannot_accept")
    assert Tool.objects.waiting().count() == 2


@pytest.mark.parametrize(
    ("tools", "status"),
    [({}, 400), ({"search": 7}, 400), ({"search": "x"}, 409), ({"nothing": "x"}, 409)],
)
def test_a_decision_names_tools_and_forms(ada, shop, tools, status):
    assert decide(ada, "accept", **tools).status_code == status
    assert Tool.objects.waiting().count() == 2


def test_whoever_may_not_neither_sees_nor_decides(client_of, cast, shop):
    dev = client_of(cast.dev, scopes=["admin"])
    assert dev.get(DRIFT).status_code == 403
    assert decide(dev, "accept", search="x").status_code == 403


def test_trust_is_changed(ada, shop):
    address = "/api/admin/servers/shop"
    assert ada.patch(address, {"trust": "manual"}, format="json").json()["trust"] == "manual"
    answer = ada.patch(address, {"trust": "blind"}, format="json")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "trust")
    assert Entry.objects.get(kind="admin.changed").detail["values"] == {
        "trust": ["first_use", "manual"]
    }


def test_who_stands_in_is_said_and_taken_back_and_must_be_another(ada, client_of, cast, shop):
    a_server("http://x.example.com", "depot")
    address = "/api/admin/servers/shop"
    assert ada.get(address).json()["fallback"] is None
    assert ada.patch(address, {"fallback": "depot"}, format="json").json()["fallback"] == "depot"
    for name in ("shop", "nobody"):
        answer = ada.patch(address, {"fallback": name}, format="json")
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "fallback")
    assert ada.patch(address, {}, format="json").status_code == 400
    dev = client_of(cast.dev)
    assert dev.patch(address, {"fallback": ""}, format="json").status_code == 403
    assert ada.patch(address, {"fallback": ""}, format="json").json()["fallback"] is None
