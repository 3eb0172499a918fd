"""The page of connected accounts: states and names, a deed to end one, and never a token."""

import pytest
from django.test import Client

from audit.models import Entry
from registry.models import ConnectedAccount
from tests.admin_pages import SECRET, furnish

pytestmark = pytest.mark.django_db

ACCOUNTS = "/admin/registry/connectedaccount/"


@pytest.fixture
def client():
    """A browser; the registry's other tests call their MCP client so."""
    return Client()


@pytest.fixture
def account(cast):
    furnish(cast)
    return ConnectedAccount.objects.get()


def test_administrators_see_whose_account_it_is_and_how_it_stands(client, cast, account):
    client.force_login(cast.ada)
    pages = [client.get(ACCOUNTS), client.get(f"{ACCOUNTS}{account.pk}/change/")]

    for page in pages:
        shown = page.content.decode()
        assert ("dev@example.com" in shown, "connected" in shown) == (True, True)
        assert (SECRET in shown, account.sealed in shown) == (False, False)
    assert client.get(f"{ACCOUNTS}add/").status_code == 403


def test_an_administrator_ends_one_on_the_record(client, cast, account):
    client.force_login(cast.ada)
    client.post(ACCOUNTS, {"action": "disconnect", "_selected_action": [account.pk]})

    assert not ConnectedAccount.objects.exists()
    entry = Entry.objects.get(kind="person.changed")
    assert (entry.person, entry.server, entry.detail) == (
        "ada@example.com",
        "shop",
        {"action": "account disconnected", "person": "dev@example.com"},
    )


def test_over_rest_a_server_says_who_is_connected(client, cast, account):
    client.force_login(cast.ada)
    answer = client.get("/api/admin/servers/shop")

    (shown,) = answer.json()["accounts"]
    assert (shown["person"], shown["state"]) == ("dev@example.com", "connected")
    assert (SECRET in str(answer.content), account.sealed in str(answer.content)) == (False, False)
