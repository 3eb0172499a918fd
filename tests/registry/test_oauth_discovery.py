"""From a server's address to its authorization server: every place where metadata may lie."""

from typing import Any

import pytest

from registry.errors import AuthorizationFailed
from registry.mcp.errors import GuardRefused
from registry.oauth import discovery
from registry.oauth.discovery import Resource
from registry.oauth.web import Web
from tests.fakes import authorization_server
from tests.fakes.authorization_server import Protected
from tests.ipv6 import HERE, needs_ipv6


def web(protected: Protected) -> Web:
    return Web(frozenset(protected.addresses))


def test_what_a_server_says_of_its_protection(protected: Protected) -> None:
    url, issuer = protected.upstream.url, protected.authority.url
    assert discovery.resource_at(url, web(protected)) == Resource(url, issuer, "notes")


def test_a_server_without_metadata_is_its_own_authorization_server(protected: Protected) -> None:
    url = f"{protected.authority.url}/mcp"
    assert discovery.resource_at(url, web(protected)) == Resource(url, protected.authority.url)


@needs_ipv6
def test_servers_at_ipv6_addresses_are_found_and_asked() -> None:
    with authorization_server.serve(HERE) as there:
        url, issuer = there.upstream.url, there.authority.url
        assert discovery.resource_at(url, web(there)) == Resource(url, issuer, "notes")
        assert discovery.authority_of(issuer, web(there)).token_endpoint == f"{issuer}/token"
        with pytest.raises(GuardRefused):
            discovery.resource_at(url, Web())


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", "/.well-known/oauth-authorization-server"),
        ("", "/.well-known/openid-configuration"),
        ("/tenant", "/.well-known/oauth-authorization-server/tenant"),
        ("/tenant", "/.well-known/openid-configuration/tenant"),
        ("/tenant", "/tenant/.well-known/openid-configuration"),
    ],
)
def test_metadata_are_found_where_standards_put_them(
    protected: Protected, monkeypatch: Any, path: str, place: str
) -> None:
    issuer = f"{protected.authority.url}{path}"
    protected.authority.changes["issuer"] = issuer
    monkeypatch.setattr(authorization_server, "METADATA", place)
    found = discovery.authority_of(issuer, web(protected))
    assert (found.issuer, found.token_endpoint, found.challenge_methods, found.names_itself) == (
        issuer,
        f"{protected.authority.url}/token",
        ("S256",),
        True,
    )


def test_an_issuer_without_metadata_gives_nothing(protected: Protected) -> None:
    with pytest.raises(AuthorizationFailed, match="publishes no metadata"):
        discovery.authority_of(f"{protected.authority.url}/nothing", web(protected))


def test_nothing_is_asked_of_an_address_that_is_not_listed(protected: Protected) -> None:
    outside = Web()
    with pytest.raises(GuardRefused):
        discovery.resource_at(protected.upstream.url, outside)
    with pytest.raises(AuthorizationFailed, match="cannot be used"):
        discovery.authority_of(protected.authority.url, outside)
    assert (protected.upstream.requests, protected.authority.asked) == ([], [])
