"""A server that is switched off or disabled is reached by nobody, whoever asks for it."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.record import Who
from registry import discovery, health, syncing
from registry.errors import SwitchedOff
from registry.models import HealthCheck, Server
from tests.fakes.mcp_server import Upstream
from tests.registry.fixtures import a_server

pytestmark = pytest.mark.django_db

ADMIN = Who(person="ada@example.com", role="admin")
OFF = "crm is switched off: nobody reaches it. Switch it on first."
DISABLED = "crm is disabled: nobody reaches it. Enable it first."


@pytest.fixture
def server(fake: Upstream, settings: Any) -> Server:
    settings.INTERNAL_ADDRESSES = [fake.address]
    return a_server(fake.url)


def switch_off(server: Server) -> None:
    server.switch(on=False, who=ADMIN)


def disable(server: Server) -> None:
    server.enabled = False
    server.save(update_fields=["enabled"])


both = pytest.mark.parametrize(("stop", "said"), [(switch_off, OFF), (disable, DISABLED)])


@both
def test_a_sync_is_refused_and_nothing_is_sent(
    server: Server, fake: Upstream, stop: Callable[[Server], None], said: str
) -> None:
    stop(server)
    with pytest.raises(SwitchedOff) as refused:
        syncing.sync_now(server, who=ADMIN)
    assert (refused.value.message, refused.value.status) == (said, 409)
    (one,) = syncing.sync_these([server], who=ADMIN)
    assert str(one.error) == said
    out = StringIO()
    with pytest.raises(CommandError, match="^not synced: crm$"):
        call_command("sync_tools", "crm", stdout=out)
    assert said in out.getvalue()
    assert fake.requests == []
    server.refresh_from_db()
    assert (server.health, server.last_error) == ("unknown", "")


@both
def test_a_check_is_refused_and_nothing_is_sent_or_kept(
    server: Server, fake: Upstream, stop: Callable[[Server], None], said: str
) -> None:
    stop(server)
    check = health.check(server)
    assert (check.ok, check.error) == (False, said)
    assert [one.error for one in health.check_all([server])] == [said]
    with pytest.raises(CommandError, match="^no answer from: crm$"):
        call_command("check_servers", "crm", stdout=StringIO())
    assert fake.requests == []
    assert not HealthCheck.objects.exists()
    server.refresh_from_db()
    assert server.health == "unknown"


def test_it_is_reached_again_when_it_is_on(server: Server, fake: Upstream) -> None:
    switch_off(server)
    server.switch(on=True, who=ADMIN)
    assert discovery.sync(server).offered > 0
    assert health.check(server).ok


def test_over_rest_it_is_a_conflict(
    server: Server, fake: Upstream, client_of: Any, cast: Any
) -> None:
    switch_off(server)
    answer = client_of(cast.ada, scopes=["admin"]).post("/api/admin/servers/crm/sync")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (
        409,
        "server_switched_off",
        OFF,
    )
    assert fake.requests == []
