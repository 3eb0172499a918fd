"""Who we are to an authorization server: registered once, anew where something is another."""

from typing import Any

import pytest
from cryptography.fernet import Fernet

from registry import clients
from registry.models import RegisteredClient, Server
from registry.oauth.grants import Client
from tests.fakes.authorization_server import Protected
from tests.registry.accounts import BACK, a_server

pytestmark = pytest.mark.django_db

STORED = {"client_id": "omni2", "client_secret": "s3cret", "issuer": "https://login.example"}


def registrations(protected: Protected) -> int:
    return [path for path, _ in protected.authority.asked].count("/register")


def test_it_is_registered_once_and_anew_for_another_address_or_key(
    protected: Protected, settings: Any
) -> None:
    server = a_server(protected)
    _, authority = clients.found(server)

    def client(redirect_uri: str = BACK) -> str:
        return clients.client_at(server, authority, redirect_uri).id

    first = client()
    assert (client(), registrations(protected)) == (first, 1)
    other = client("https://moved.example/connections/crm/callback/")
    assert (other != first, registrations(protected)) == (True, 2)
    server.url = f"{server.url}/other"
    assert client("https://moved.example/connections/crm/callback/") != other
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    client("https://moved.example/connections/crm/callback/")
    assert (registrations(protected), RegisteredClient.objects.count()) == (4, 1)


def test_a_configured_secret_is_kept_in_one_place_only(protected: Protected) -> None:
    configured, registering = a_server(protected, **STORED), Server(authentication="oauth")
    client = Client("omni2", "s3cret", "client_secret_basic")
    kept = clients.kept(configured, client)

    assert kept == {"id": "omni2", "secret": "", "method": "client_secret_basic"}
    assert clients.again(configured, kept) == client
    assert clients.again(registering, kept) is None, "its secret is not known any more"
    assert clients.again(registering, clients.kept(registering, client)) == client
    assert clients.again(configured, kept | {"id": "another"}) is None


def test_what_a_server_may_name_depends_on_where_it_stands(
    protected: Protected, settings: Any
) -> None:
    listed = frozenset(settings.INTERNAL_ADDRESSES)
    inside, outside = a_server(protected), Server(url="https://outside.example/mcp")
    with_issuer = Server(url=outside.url, authentication="oauth", sealed="")
    with_issuer.sealed = clients.seal({"authentication": {"issuer": "http://login.internal"}})

    found = [clients.web_of(one).internal_addresses for one in (inside, outside, with_issuer)]

    assert found == [listed, frozenset(), listed]
    assert [clients.is_issuer(with_issuer, one) for one in ("http://login.internal", "x")] == [
        True,
        False,
    ]


def test_the_configured_client_comes_first_then_our_document_then_registering(
    protected: Protected,
) -> None:
    protected.authority.changes["client_id_metadata_document_supported"] = True
    place = "https://omni2.example/connections/crm/client.json"

    def client(server: Server, document_url: str) -> str:
        _, authority = clients.found(server)
        return clients.client_at(server, authority, BACK, document_url=document_url).id

    server = a_server(protected)
    assert (client(server, place), registrations(protected)) == (place, 0)
    registered = client(server, "")
    assert (registered != place, registrations(protected)) == (True, 1)
    assert client(server, place) == place
    protected.authority.changes["client_id_metadata_document_supported"] = None
    assert client(server, place) == registered
    protected.authority.changes["client_id_metadata_document_supported"] = True
    server.sealed = clients.seal({"authentication": {"client_id": "by hand"}})
    assert client(server, place) == "by hand"
