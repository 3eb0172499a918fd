"""Removing a server: what goes with it, here and at its authorization server."""

import pytest

from audit.models import Entry
from audit.record import Who
from registry import discovery, removing, tokens
from registry.mcp.client import connections
from registry.models import Attempt, ConnectedAccount, RegisteredClient, Server, Tool
from tests.fakes.authorization_server import Protected
from tests.registry.accounts import EVE, a_server, connect, go

pytestmark = pytest.mark.django_db

BOSS = Who(person="boss@example.com")


def test_what_is_only_about_it_goes_and_its_tokens_are_revoked_once_that_is_certain(
    protected: Protected, django_capture_on_commit_callbacks
) -> None:
    server = a_server(protected)
    account = connect(server)
    refresh = tokens.held(account).refresh_token
    discovery.sync(server)
    go(server, EVE)
    with django_capture_on_commit_callbacks(execute=True):
        removing.remove(server, who=BOSS)
        assert refresh in protected.authority.refreshing

    about = (Server, Tool, ConnectedAccount, RegisteredClient, Attempt)
    assert [model.objects.count() for model in about] == [0] * 5
    assert refresh not in protected.authority.refreshing
    assert [endpoint for endpoint in connections._live if endpoint.name == "crm"] == []
    told = Entry.objects.filter(person="boss@example.com").order_by("pk")
    assert [(one.kind, one.server, one.detail["action"]) for one in told] == [
        ("admin.changed", "crm", "deleted"),
        ("person.changed", "crm", "account disconnected"),
    ]


def test_whoever_it_stood_in_for_has_nobody_now() -> None:
    gone = Server.objects.create(name="gone", transport="http", url="https://8.8.8.8/mcp")
    kept = Server.objects.create(name="kept", transport="http", url=gone.url, fallback=gone)
    removing.remove(gone, who=BOSS)

    kept.refresh_from_db()
    assert kept.fallback is None
