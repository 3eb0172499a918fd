"""A decision is about the very form that was looked at, and holds until the form changes."""

from typing import Any

import pytest

from audit.models import Entry
from audit.record import Who
from registry import deciding
from registry.errors import CannotAccept
from registry.fingerprint import fingerprint
from registry.models import Server, Tool
from registry.offers import Offer, offers_of
from registry.settling import settle
from tests.registry.fixtures import a_server, a_tool

ADMIN = Who(person="ada@example.com", role="admin")
OLD, NEW, THIRD = a_tool(), a_tool(description="Another."), a_tool(description="A third.")

pytestmark = pytest.mark.django_db


def listed(*tools: Any, server: Server | None = None, trust: str = "first_use") -> Server:
    """The server after it has listed these."""
    server = server or a_server("http://crm.example.com/mcp", trust=trust)
    settle(server, [Offer.of(tool) for tool in tools])
    Server.objects.filter(pk=server.pk).update(synced_at="2026-01-01T00:00Z")
    server.refresh_from_db()
    return server


def state(server: Server) -> tuple[str, str, str]:
    tool = server.tools.get(name="search")
    return tool.state, tool.state_reason, tool.description


def do(verb: Any, server: Server, form: Any = None) -> Tool:
    """Decide on the one tool as it is, or as it was in this form."""
    tool = server.tools.get(name="search")
    verb([tool], ADMIN, seen={tool.pk: fingerprint(form) if form else deciding.form_of(tool)})
    return tool


def test_what_is_accepted_is_offered_as_it_was_seen() -> None:
    server = listed(OLD, trust="manual")
    tool = server.tools.get()
    assert (tool.state, tool.definition, tool.fingerprint) == ("quarantined", {}, "")

    do(deciding.accept, server)

    tool.refresh_from_db()
    assert (tool.state, tool.definition, tool.pending) == ("offered", OLD, None)
    entry = Entry.objects.get(kind="tool.accepted")
    assert (entry.person, entry.server, entry.tool, entry.fingerprint) == (
        ("ada@example.com", "crm", "search", fingerprint(OLD))
    )
    assert state(listed(OLD, server=server)) == ("offered", "", "Search the catalogue.")


@pytest.mark.parametrize("verb", [deciding.accept, deciding.reject])
@pytest.mark.parametrize("seen", [OLD, {}])
def test_what_has_changed_since_it_was_seen_is_not_decided(verb: Any, seen: Any) -> None:
    server = listed(NEW, server=listed(OLD, trust="manual"))
    tool = server.tools.get()
    with pytest.raises(CannotAccept, match=r"^search: it has changed again since it was looked at"):
        verb([tool], ADMIN, seen={tool.pk: fingerprint(seen)} if seen else {})
    assert state(server)[1] == "it is new and waits to be accepted"


def test_of_many_all_are_decided_or_none() -> None:
    server = listed(OLD, a_tool("export"), trust="manual")
    tools = list(server.tools.order_by("name"))
    right = {tool.pk: deciding.form_of(tool) for tool in tools}
    for verb in (deciding.accept, deciding.reject):
        with pytest.raises(CannotAccept):
            verb(tools, ADMIN, seen=right | {tools[1].pk: fingerprint(NEW)})
    assert set(server.tools.values_list("state", "rejected_by")) == {("quarantined", "")}
    assert not Entry.objects.filter(kind="tool.accepted").exists()

    deciding.accept(tools, ADMIN, seen=right)
    assert set(server.tools.values_list("state", flat=True)) == {"offered"}


@pytest.mark.parametrize(
    ("listing", "why"), [([OLD], "nothing waits"), ([], "its server no longer lists it")]
)
def test_there_must_be_something_to_accept(listing: list[Any], why: str) -> None:
    server = listed(*listing, server=listed(OLD))
    before = state(server)
    with pytest.raises(CannotAccept, match=why):
        do(deciding.accept, server)
    assert state(server) == before


@pytest.mark.parametrize("trust", ["first_use", "manual", "always"])
def test_a_rejected_form_stays_rejected_until_it_changes(trust: str) -> None:
    server = listed(OLD, trust=trust)
    if trust == "manual":
        do(deciding.accept, server)
    rejected = ("quarantined", "rejected by ada@example.com")

    do(deciding.reject, listed(NEW, server=server), NEW)
    notices = Entry.objects.filter(kind="tool.quarantined").count()
    for _ in range(2):
        assert state(listed(NEW, server=server))[:2] == rejected
    assert Entry.objects.filter(kind="tool.quarantined").count() == notices
    assert list(Tool.objects.waiting()) == []
    assert [tool.name for tool in Tool.objects.rejected()] == ["search"]

    # Gone and back, and after another form that was accepted: what was rejected still is.
    listed(server=server)
    assert state(listed(NEW, server=server))[:2] == rejected
    listed(OLD, server=server)
    assert state(listed(NEW, server=server))[:2] == rejected

    changed = state(listed(THIRD, server=server))
    assert changed[:2] == (
        ("offered", "")
        if trust == "always"
        else ("quarantined", "it has changed since it was accepted: description")
    )


def test_going_back_to_the_accepted_form_needs_no_new_word() -> None:
    server = listed(NEW, server=listed(OLD))
    do(deciding.reject, server)
    assert state(listed(OLD, server=server)) == ("offered", "", "Search the catalogue.")


def test_an_offered_tool_is_taken_back_and_accepted_again() -> None:
    server = listed(OLD, a_tool("export"), trust="always")
    do(deciding.reject, server)
    assert state(listed(OLD, a_tool("export"), server=server))[0] == "quarantined"
    assert [tool.name for tool in Tool.objects.offered()] == ["export"]

    do(deciding.accept, server)
    tool = server.tools.get(name="search")
    assert (tool.state, tool.rejections, tool.rejected_by) == ("offered", {}, "")


def test_a_name_that_another_server_has_cannot_be_accepted() -> None:
    listed(a_tool("b__c"), server=a_server("http://a.example.com/mcp", "a"))
    server = listed(a_tool("c"), server=a_server("http://b.example.com/mcp", "a__b"))
    tool = server.tools.get()
    with pytest.raises(CannotAccept, match="another tool has the name"):
        deciding.accept([tool], ADMIN, seen={tool.pk: deciding.form_of(tool)})


def test_two_tools_of_one_name_cannot_be_accepted() -> None:
    server = a_server("http://crm.example.com/mcp")
    settle(server, offers_of([OLD, NEW]))
    with pytest.raises(CannotAccept, match="two different tools of this name"):
        do(deciding.accept, server)


def test_trust_is_changed_on_the_record_and_counts_from_the_next_sync() -> None:
    server = listed(OLD, trust="manual")
    deciding.set_trust(server, "always", ADMIN)
    deciding.set_trust(server, "always", ADMIN)
    entry = Entry.objects.get(kind="admin.changed")
    assert (entry.person, entry.detail["values"]) == (
        "ada@example.com",
        {"trust": ["manual", "always"]},
    )
    assert state(server)[0] == "quarantined"
    assert state(listed(OLD, server=server))[0] == "offered"
