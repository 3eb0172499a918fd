"""Who we are to the authorization server of a server, and what of the network it may name.

A client secret was given by one authorization server, so the configuration that holds one names
that one as `issuer`: whatever else the server may say of itself, the secret goes nowhere else.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from django.conf import settings

from registry.connected import RegisteredClient
from registry.credentials import client_settings, remember, seal, unseal
from registry.errors import CredentialMissing, CredentialUnreadable
from registry.mcp import guard
from registry.mcp.errors import GuardRefused
from registry.models import Server

if TYPE_CHECKING:
    from registry.oauth.discovery import Authority, Resource
    from registry.oauth.grants import Client
    from registry.oauth.web import Web


def web_of(server: Server) -> "Web":
    """What may be asked of the server's authorization server.

    A server from outside leads nowhere inside: only one that the operator listed may name other
    listed addresses, or one whose issuer an administrator has named.
    """
    from registry.oauth.web import Web  # noqa: PLC0415  loads the MCP SDK

    listed = frozenset(settings.INTERNAL_ADDRESSES)
    inside = _is_listed(server.url, listed) or client_settings(server).get("issuer")
    return Web(listed if inside else frozenset())


def found(server: Server) -> "tuple[Resource, Authority]":
    """What tokens for this server are asked for, and of whom.

    Raises AuthorizationFailed, NotReady, UpstreamError.
    """
    from registry.oauth import discovery  # noqa: PLC0415  loads the MCP SDK
    from registry.oauth.web import Web  # noqa: PLC0415  loads the MCP SDK

    stored, listed = client_settings(server), frozenset(settings.INTERNAL_ADDRESSES)
    own = Web(listed if _is_listed(server.url, listed) else frozenset())
    said = discovery.resource_at(server.url, own)
    issuer, scope = stored.get("issuer") or said.issuer, stored.get("scope") or said.scope
    resource = discovery.Resource(said.name, issuer, scope)
    return resource, discovery.authority_of(issuer, web_of(server))


def configured(server: Server, authority: "Authority") -> "Client | None":
    """The client that the server's configuration names, if it names one."""
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    stored = client_settings(server)
    if not stored.get("client_id"):
        return None
    secret = stored.get("client_secret", "")
    return grants.Client(stored["client_id"], secret, grants.method_for(authority, secret))


def kept(server: Server, client: "Client") -> dict[str, str]:
    """The client as it is kept beside its tokens; a configured secret stays where it is."""
    values = asdict(client)
    return values | {"secret": ""} if client_settings(server).get("client_id") else values


def again(server: Server, values: Mapping[str, str]) -> "Client | None":
    """The client that tokens were given to; None when the configuration names another one now."""
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    stored, client = client_settings(server), grants.Client(**values)
    if not stored.get("client_id"):
        return client if client.secret or client.method == grants.PUBLIC else None
    if stored["client_id"] != client.id:
        return None
    return replace(client, secret=stored.get("client_secret", ""))


def is_issuer(server: Server, issuer: str) -> bool:
    """Whether tokens of this issuer are what the configuration wants."""
    return client_settings(server).get("issuer", issuer) == issuer


def client_at(
    server: Server, authority: "Authority", redirect_uri: str, *, document_url: str = ""
) -> "Client":
    """Who we are there, in the order of MCP 2025-11-25: the configured client, the one that our
    document names (where there is one), the one registered before, or one that is registered now.

    Raises CredentialMissing where the authorization server takes nobody whom it does not know.
    """
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    client = (
        configured(server, authority)
        or grants.published(authority, document_url)
        or _registered(server, authority, redirect_uri)
    )
    return client or _register(server, authority, redirect_uri)


def _register(server: Server, authority: "Authority", redirect_uri: str) -> "Client":
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    if not authority.registration_endpoint:
        raise CredentialMissing(
            f"server {server.name}: {authority.issuer} registers nobody by itself",
            hint="Register OMNI2 there, and enter the client id with the server.",
        )
    client = grants.register(authority, redirect_uri, web_of(server))
    values = {
        "url": server.url,
        "issuer": authority.issuer,
        "redirect_uri": redirect_uri,
        "sealed": seal(asdict(client)),
    }
    RegisteredClient.objects.update_or_create(server=server, defaults=values)
    remember(client.secret)
    return client


def _registered(server: Server, authority: "Authority", redirect_uri: str) -> "Client | None":
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    row = RegisteredClient.objects.filter(
        server=server, url=server.url, issuer=authority.issuer, redirect_uri=redirect_uri
    ).first()
    try:
        return grants.Client(**unseal(row.sealed)) if row else None
    except CredentialUnreadable:
        return None


def _is_listed(url: str, listed: frozenset[str]) -> bool:
    try:
        return guard.is_listed(guard.parse_url(url), listed)
    except GuardRefused:
        return False
