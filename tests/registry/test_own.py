"""The server in OMNI2 itself: registered by itself, once; it tells nobody who may not view."""

import pytest

from audit.models import Entry
from registry import discovery, health, importing, own
from registry.analytics.tools import TOOLS
from registry.endpoints import endpoint_for
from registry.errors import CannotRegister
from registry.importing import ServerSpec
from registry.mcp import internal
from registry.mcp.client import connections
from registry.mcp.errors import Rejected, Unreachable
from registry.models import Server, Tool
from registry.registering import register

pytestmark = pytest.mark.django_db

VIEWER, OTHER = 1, 2


@pytest.fixture
def server(monkeypatch) -> Server:
    """The registered server, which takes number 1 for somebody who may view the record."""
    monkeypatch.setattr(internal, "_known", {})
    own.bring(lambda person: person == VIEWER)
    own.keep()
    return Server.objects.get(name=own.NAME)


def test_it_is_registered_once_with_its_tools_accepted(server) -> None:
    own.keep()
    assert Server.objects.count() == 1
    assert server.tools.offered().count() == len(TOOLS)
    assert all(tool.declares_read_only for tool in server.tools.all())
    added = Entry.objects.filter(kind="admin.changed", server=own.NAME)
    assert [entry.detail["action"] for entry in added] == ["added"]


def test_who_switches_it_off_has_it_off(server) -> None:
    Server.objects.update(enabled=False, synced_at=None)
    Tool.objects.all().delete()
    own.keep()
    assert (Server.objects.get().enabled, Tool.objects.count()) == (False, 0)


def test_a_server_of_that_name_that_somebody_made_is_left_alone() -> None:
    Server.objects.create(name="OMNI2_analytics", transport="http", url="https://x.example")
    own.keep()
    row = Server.objects.get()
    assert (row.transport, row.synced_at) == ("http", None)


def test_it_answers_whoever_may_view_the_record_and_nobody_else(server) -> None:
    told = connections.call_tool(endpoint_for(server, VIEWER), "errors", {})
    assert told["structuredContent"]["rows"] == []
    for person in (OTHER, 0):
        with pytest.raises(Rejected, match="Only somebody who may view the record"):
            connections.call_tool(endpoint_for(server, person), "errors", {})


def test_what_it_does_not_have_is_rejected(server) -> None:
    endpoint = endpoint_for(server, VIEWER)
    with pytest.raises(Rejected, match="no such tool"):
        connections.call_tool(endpoint, "drop_tables", {})
    with pytest.raises(Rejected, match="tools and nothing else"):
        connections.ask(endpoint, "resources/read", {"uri": "file:///etc/passwd"})


def test_it_is_up_and_its_tools_stay_as_they_are(server) -> None:
    assert health.check(server).ok
    report = discovery.sync(server)
    assert (report.offered, report.added, report.changed, report.gone) == (len(TOOLS), (), (), ())


def test_nobody_registers_another_server_of_that_kind() -> None:
    with pytest.raises(CannotRegister) as refused:
        register(ServerSpec(name="mine", transport="internal"), who=own.record.NOBODY)
    assert refused.value.field == "transport"
    Server.objects.create(name="mine", transport="internal")
    with pytest.raises(Unreachable):
        connections.call_tool(endpoint_for(Server.objects.get(), VIEWER), "errors", {})


def test_an_import_that_prunes_leaves_it(server) -> None:
    outcome = importing.apply([], prune=True)
    assert (outcome.changes, outcome.missing) == ((), ())
    assert Server.objects.get().enabled
