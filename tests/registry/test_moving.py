"""What was seen of a server at its old address is not offered, and not accepted, at the new one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from audit.models import Entry
from audit.record import Who
from registry import deciding, discovery, hearing, reviewing
from registry.errors import CannotAccept, SyncFailed
from registry.importing import ServerSpec, apply
from registry.mcp.client import connections
from registry.models import Server, Tool
from registry.moving import ELSEWHERE
from tests.admin_pages import form_of
from tests.fakes import rest_service
from tests.registry.fixtures import RawServer, a_server, a_tool, raw_server

pytestmark = pytest.mark.django_db

OLD, OTHER = a_tool("search"), a_tool("search", description="Another.")
LATE, NEW = a_tool("late"), a_tool("new")
ADMIN = Who(person="ada@example.com", role="admin")
Move = Callable[[str], None]


@pytest.fixture
def places(settings: Any) -> Iterator[tuple[RawServer, RawServer]]:
    """The old place, and the one that the server is moved to."""
    with raw_server([OLD]) as before, raw_server([OLD, NEW]) as after:
        settings.INTERNAL_ADDRESSES = [before.address, after.address]
        cache.clear()
        yield before, after
        connections.close_all()


@pytest.fixture(params=["admin", "file"])
def move(request: pytest.FixtureRequest, cast: Any) -> Move:
    """Give the server another URL, by either door."""

    def by_form(url: str) -> None:
        client = Client()
        client.force_login(cast.ada)
        page = f"/admin/registry/server/{Server.objects.get(name='crm').pk}/change/"
        assert client.post(page, form_of(client.get(page)) | {"url": url}).status_code == 302

    def by_file(url: str) -> None:
        trust = Server.objects.get(name="crm").trust
        said = apply([ServerSpec("crm", "http", url=url, trust=trust)]).changes
        assert said[-1] == "server crm: 1 tools set aside until it is read there"

    return by_form if request.param == "admin" else by_file


def known(place: RawServer, *, trust: str = "first_use") -> Server:
    """A server with a tool that is offered and one that waits."""
    server = a_server(place.url)
    discovery.sync(server)
    place.tools = [OLD, LATE]
    discovery.sync(server)
    Server.objects.update(trust=trust)
    return server


def states(server: Server) -> dict[str, str]:
    return dict(server.tools.values_list("name", "state"))


def test_nothing_of_the_old_place_is_offered_or_can_be_accepted(
    places: tuple[RawServer, RawServer], move: Move
) -> None:
    before, after = places
    server = known(before)
    late = server.tools.get(name="late")
    seen = {late.pk: deciding.form_of(late)}
    Server.objects.update(offerings={"prompts": [{"name": "old"}]}, instructions="Old.")

    move(after.url)

    server.refresh_from_db()
    assert states(server) == {"late": "quarantined", "search": "quarantined"}
    assert {tool.state_reason for tool in server.tools.all()} == {ELSEWHERE}
    assert (server.offerings, server.instructions) == ({}, "")
    assert reviewing.review(Tool.objects.waiting()) == []
    with pytest.raises(CannotAccept):
        deciding.accept([late], ADMIN, seen=seen)
    entry = Entry.objects.filter(kind="tool.quarantined").latest("id")
    assert (entry.tool, entry.detail) == ("search", {"reason": ELSEWHERE})


@pytest.mark.parametrize(
    ("trust", "newcomer"),
    [("first_use", "quarantined"), ("manual", "quarantined"), ("always", "offered")],
)
def test_it_is_read_soon_at_the_new_place_and_judged_by_its_trust(
    places: tuple[RawServer, RawServer], move: Move, trust: str, newcomer: str
) -> None:
    before, after = places
    server = known(before, trust=trust)
    move(after.url)

    hearing.sync_due()

    assert states(server) == {"search": "offered", "late": "gone", "new": newcomer}
    server.refresh_from_db()
    assert server.sync_due_at is None


def test_another_form_of_an_accepted_tool_waits_at_the_new_place(
    places: tuple[RawServer, RawServer], move: Move
) -> None:
    before, after = places
    server = known(before)
    after.tools = [OTHER]
    move(after.url)
    hearing.sync_due()
    assert states(server) == {"search": "quarantined", "late": "gone"}


def test_what_does_not_move_a_server_sets_nothing_aside(
    places: tuple[RawServer, RawServer],
) -> None:
    before, _ = places
    server = known(before)
    apply([ServerSpec("crm", "http", url=before.url, description="Other words.")])
    assert states(server) == {"search": "offered", "late": "quarantined"}
    assert [one.tool.name for one in reviewing.review(Tool.objects.waiting())] == ["late"]


def test_what_is_still_being_read_at_the_old_place_is_dropped(
    places: tuple[RawServer, RawServer],
) -> None:
    before, after = places
    server = known(before)
    apply([ServerSpec("crm", "http", url=after.url)])
    with pytest.raises(SyncFailed, match="it was moved while its tools were read"):
        discovery.sync(server)
    assert [str(one.error) for one in discovery.sync_all([server])] == [
        "server crm: it was moved while its tools were read"
    ]
    assert states(server) == {"late": "quarantined", "search": "quarantined"}


def test_another_document_leaves_what_was_accepted_and_forgets_what_waits(settings: Any) -> None:
    with rest_service.serve() as service:
        settings.INTERNAL_ADDRESSES = [service.address]
        spec = ServerSpec(
            "orders", "openapi", url=service.url, document_url=service.document_url, trust="manual"
        )
        apply([spec])
        server = Server.objects.get()
        discovery.sync(server)
        tool = server.tools.get(name="get_order")
        deciding.accept([tool], ADMIN, seen={tool.pk: deciding.form_of(tool)})

        apply([replace(spec, document_url=f"{service.document_url}?new")])

        assert states(server)["get_order"] == "offered"
        assert not Tool.objects.waiting().exists()
        server.refresh_from_db()
        assert server.sync_due_at is not None
        connections.close_all()
