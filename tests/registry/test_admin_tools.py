"""The pages of tools: what waits is accepted as it was seen, or rejected, and never edited."""

import pytest
from django.test import Client

from audit.models import Entry
from registry.fingerprint import fingerprint
from registry.models import Server, Tool
from tests.admin_pages import furnish, staff, tool

pytestmark = pytest.mark.django_db

TOOLS = "/admin/registry/tool/"


@pytest.fixture
def client():
    """A browser; the registry's other tests call their MCP client so."""
    return Client()


@pytest.fixture
def ada(client, cast):
    client.force_login(cast.ada)
    return client


@pytest.fixture
def shop(cast):
    furnish(cast)
    return Server.objects.get(name="shop")


@pytest.fixture
def waiting(shop):
    return shop.tools.get()


def accept(client, row, seen=None):
    seen = seen or fingerprint(row.pending)
    return client.post(f"{TOOLS}{row.pk}/accept/", {"seen": seen})


def test_what_waits_is_accepted_as_it_was_seen(ada, waiting):
    form = waiting.pending
    assert accept(ada, waiting).status_code == 302

    waiting.refresh_from_db()
    assert (waiting.state, waiting.definition, waiting.pending) == ("offered", form, None)
    assert Entry.objects.get(kind="tool.accepted").person == "ada@example.com"


def test_what_has_changed_since_it_was_looked_at_is_not_accepted(ada, waiting):
    page = accept(ada, waiting, seen="0" * 64)

    waiting.refresh_from_db()
    assert waiting.state == "quarantined"
    assert b"changed again since it was looked at" in page.content


def test_a_tool_is_rejected(ada, waiting):
    seen = {"seen": fingerprint(waiting.pending)}
    assert ada.post(f"{TOOLS}{waiting.pk}/reject/", seen).status_code == 302

    waiting.refresh_from_db()
    assert (waiting.state, waiting.state_reason) == ("quarantined", "rejected by ada@example.com")


@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_many_are_decided_on_after_they_were_shown(ada, shop, waiting, verb):
    other = tool(shop, "order")
    chosen = {"action": f"{verb}_selected", "_selected_action": [waiting.pk, other.pk]}

    page = ada.post(TOOLS, chosen).content.decode()
    assert page.count("omni-hidden") >= 2 and page.count("omni-danger") >= 2
    assert " checked" not in page.split("omni-tick", 1)[1].split("omni-buttons")[0]

    seen = [f"{row.pk}:{fingerprint(row.pending)}" for row in (waiting, other)]
    for wrong in ([], [seen[0], f"{other.pk}:{'0' * 64}"], ["x"], [*seen, "9:0"]):
        assert ada.post(TOOLS, chosen | {"decided": "1", "seen": wrong}).status_code == 200
    assert Tool.objects.waiting().count() == 2

    ada.post(TOOLS, chosen | {"decided": "1", "seen": seen[:1]})
    decided = Tool.objects.offered() if verb == "accept" else Tool.objects.rejected()
    assert list(decided) == [waiting]


def test_all_that_waits_of_a_server_is_decided_on_from_its_page(ada, shop, waiting):
    page = ada.get(f"/admin/registry/server/{shop.pk}/decide/").content.decode()

    assert f'value="{waiting.pk}:{fingerprint(waiting.pending)}"' in page
    Tool.objects.update(rejected_by="ada@example.com")
    assert ada.get(f"/admin/registry/server/{shop.pk}/decide/").status_code == 403
    assert ada.get(f"{TOOLS}?decision=rejected").content.decode().count(f"{waiting.pk}/change") > 0


def test_a_gone_tool_has_nothing_to_decide(ada, waiting):
    Tool.objects.filter(pk=waiting.pk).update(state=Tool.State.GONE)

    assert accept(ada, waiting).status_code == 403
    assert ada.post(f"{TOOLS}{waiting.pk}/reject/").status_code == 403


def test_who_may_only_look_decides_nothing(client, cast, waiting):
    client.force_login(staff(cast.dev, "registry.view_tool"))

    assert client.get(f"{TOOLS}{waiting.pk}/change/").status_code == 200
    assert client.get(f"/admin/registry/server/{waiting.server_id}/decide/").status_code == 403
    assert accept(client, waiting).status_code == 403
    client.post(TOOLS, {"action": "reject_selected", "_selected_action": [waiting.pk]})
    assert not Entry.objects.filter(kind__startswith="tool.").exists()


def test_a_definition_is_not_edited_by_posting_it(ada, waiting):
    ada.post(f"{TOOLS}{waiting.pk}/change/", {"name": "x", "state": "offered", "definition": "{}"})

    before = waiting.definition
    waiting.refresh_from_db()
    assert (waiting.state, waiting.definition) == ("quarantined", before)


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ({}, "nothing; counts as: may destroy"),
        ({"title": "Search"}, "nothing; counts as: may destroy"),
        ({"readOnlyHint": True}, "only reads"),
        ({"readOnlyHint": False}, "may destroy"),
        ({"destructiveHint": False}, "writes, destroys nothing"),
    ],
)
def test_what_a_tool_declares_is_told_apart_from_what_it_counts_as(ada, waiting, annotations, said):
    Tool.objects.filter(pk=waiting.pk).update(annotations=annotations)

    assert f">{said}<" in "".join(ada.get(TOOLS).content.decode().split("\n")).replace("> ", ">")
