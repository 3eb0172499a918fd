"""From a server's address to whoever gives tokens for it, believing no more than can be checked.

    server  → 401 → protected-resource metadata (RFC 9728): it must be about this very server
    issuer  → authorization-server metadata (RFC 8414, else OpenID): it must name itself so

A server without metadata is taken for its own authorization server, as before 2025-06-18.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from mcp.client.auth import utils as rules
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url

from registry.errors import AuthorizationFailed
from registry.oauth.web import Said, Web

# The smallest question of any generation; what matters is how it is turned away.
_PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
_ACCEPT = "application/json, text/event-stream"
_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
)


@dataclass(frozen=True)
class Resource:
    """What tokens are asked for: the name of the resource, who gives them, the scope it wants."""

    name: str
    issuer: str
    scope: str = ""


@dataclass(frozen=True)
class Authority:
    """An authorization server, by its own metadata. An endpoint it does not have is empty."""

    issuer: str
    token_endpoint: str
    authorization_endpoint: str = ""
    registration_endpoint: str = ""
    revocation_endpoint: str = ""
    auth_methods: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    challenge_methods: tuple[str, ...] = ()
    # Whether it promises to name itself in the answer it sends by the browser (RFC 9207).
    names_itself: bool = False
    # Whether it knows a client by the address of a document (client ID metadata documents).
    reads_documents: bool = False


def resource_at(url: str, web: Web) -> Resource:
    """What the server at this address says of its protection.

    Raises AuthorizationFailed when that is about another server, and UpstreamError.
    """
    refused = web.post(url, _PING, accept=_ACCEPT)
    scope = _challenged(refused, "scope")
    hint = _challenged(refused, "resource_metadata")
    for place in rules.build_protected_resource_metadata_discovery_urls(hint or None, url):
        said = web.get(web.check(place, "the address of its metadata"))
        if said.status == 200 and said.document is not None:
            return _resource(said.document, url, scope)
    parts = urlsplit(url)
    return Resource(resource_url_from_server_url(url), f"{parts.scheme}://{parts.netloc}", scope)


def authority_of(issuer: str, web: Web) -> Authority:
    """The authorization server of this name.

    Raises AuthorizationFailed when it names itself otherwise or cannot be used, and UpstreamError.
    """
    web.check(issuer, "its authorization server")
    places = rules.build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer)
    for place in places:
        said = web.get(place)
        if said.status == 200 and said.document is not None:
            return _authority(said.document, issuer, web)
    raise AuthorizationFailed(f"the authorization server {issuer} publishes no metadata")


def _resource(document: Mapping[str, Any], url: str, scope: str) -> Resource:
    name, issuers = document.get("resource"), document.get("authorization_servers")
    if not isinstance(name, str) or not check_resource_allowed(url, name):
        raise AuthorizationFailed("its metadata is about another resource than this server")
    if not isinstance(issuers, list) or not issuers or not isinstance(issuers[0], str):
        raise AuthorizationFailed("its metadata names no authorization server")
    return Resource(name, issuers[0], scope or " ".join(_texts(document, "scopes_supported")))


def _authority(document: Mapping[str, Any], issuer: str, web: Web) -> Authority:
    named = document.get("issuer")
    if not isinstance(named, str) or not rules.issuers_match(named, issuer):
        raise AuthorizationFailed(f"the authorization server {issuer} gives itself another name")
    endpoints = {
        name: web.check(document[name], f"its {name}")
        for name in _ENDPOINTS
        if document.get(name) is not None
    }
    if "token_endpoint" not in endpoints:
        raise AuthorizationFailed(f"the authorization server {issuer} has no token_endpoint")
    return Authority(
        issuer=named,
        auth_methods=_texts(document, "token_endpoint_auth_methods_supported"),
        scopes=_texts(document, "scopes_supported"),
        challenge_methods=_texts(document, "code_challenge_methods_supported"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        reads_documents=document.get("client_id_metadata_document_supported") is True,
        **endpoints,
    )


def _challenged(refused: Said, name: str) -> str:
    if refused.status not in (401, 403):
        return ""
    header = {"WWW-Authenticate": refused.www_authenticate}
    return rules.extract_field_from_www_auth(httpx2.Response(401, headers=header), name) or ""


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = document.get(name)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()
