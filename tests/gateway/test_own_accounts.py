"""Whose accounts there are for whom, and when they end by themselves."""

import pytest

from accounts.models import User
from gateway import own_accounts
from gateway.errors import NotFound
from registry.models import ConnectedAccount, Server
from tests.gateway.connecting import connect, register

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm(protected, cast) -> Server:
    return register(protected)


def states(asker) -> list[tuple[str, str]]:
    return [(one.server.name, one.state) for one in own_accounts.overview(asker)]


def test_one_sees_the_servers_one_may_call_and_those_one_is_connected_to(cast, crm, client):
    asker = cast.asker(cast.ada)
    assert states(asker) == [("crm", "none")]
    assert states(cast.asker(cast.guest)) == []

    client.force_login(cast.ada)
    connect(client)
    assert states(asker) == [("crm", "connected")]
    assert own_accounts.overview(asker)[0].connect_url == "http://127.0.0.1:8000/connections/#crm"

    Server.objects.update(url="https://elsewhere.example/mcp")
    assert states(asker) == [("crm", "broken")]
    Server.objects.update(authentication="bearer")
    assert states(asker) == []


def test_one_lets_go_of_ones_own_account_only(cast, crm, client):
    client.force_login(cast.ada)
    connect(client)
    with pytest.raises(NotFound):
        own_accounts.disconnect(cast.asker(cast.dev), "crm")
    own_accounts.disconnect(cast.asker(cast.ada), "crm")
    assert not ConnectedAccount.objects.exists()


@pytest.mark.parametrize(
    "end",
    [
        {"is_active": False},
        {"status": User.Status.SUSPENDED},
    ],
)
def test_the_tokens_of_whoever_may_not_act_are_removed(cast, crm, client, protected, end):
    client.force_login(cast.ada)
    connect(client)
    own_accounts.sweep()
    assert ConnectedAccount.objects.count() == 1

    User.objects.filter(pk=cast.ada.pk).update(**end)
    own_accounts.sweep()
    assert not ConnectedAccount.objects.exists()
    assert protected.authority.refreshing == {}, "the authorization server was told"
