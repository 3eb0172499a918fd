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
    assert ada.post(f"{TOOLS}{waiting.pk}/reject/").status_code == 302

    waiting.refresh_from_db()
    assert (waiting.state, waiting.state_reason) == ("quarantined", "rejected by ada@example.com")


def test_many_are_accepted_after_they_were_shown(ada, shop, waiting):
    other = tool(shop, "order")
    chosen = {"action": "accept_selected", "_selected_action": [waiting.pk, other.pk]}

    page = ada.post(TOOLS, chosen)
    assert Tool.objects.offered().count() == 0
    assert page.content.decode().count("omni-hidden") >= 2

    seen = [f"{row.pk}:{fingerprint(row.pending)}" for row in (waiting, other)]
    ada.post(TOOLS, chosen | {"seen": [seen[0], f"{other.pk}:{'0' * 64}"]})
    assert set(Tool.objects.offered()) == {waiting}


def test_a_gone_tool_has_nothing_to_decide(ada, waiting):
    Tool.objects.filter(pk=waiting.pk).update(state=Tool.State.GONE)

    assert accept(ada, waiting).status_code == 403
    assert ada.post(f"{TOOLS}{waiting.pk}/reject/").status_code == 403


def test_who_may_only_look_decides_nothing(client, cast, waiting):
    client.force_login(staff(cast.dev, "registry.view_tool"))

    assert client.get(f"{TOOLS}{waiting.pk}/change/").status_code == 200
    assert accept(client, waiting).status_code == 403
    client.post(TOOLS, {"action": "reject_selected", "_selected_action": [waiting.pk]})
    assert not Entry.objects.filter(kind__startswith="tool.").exists()


def test_a_definition_is_not_edited_by_posting_it(ada, waiting):
    ada.post(f"{TOOLS}{waiting.pk}/change/", {"name": "x", "state": "offered", "definition": "{}"})

    before = waiting.definition
    waiting.refresh_from_db()
    assert (waiting.state, waiting.definition) == ("quarantined", before)
