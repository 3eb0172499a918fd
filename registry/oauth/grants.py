"""What is asked of an authorization server: registration, tokens for a grant, and their end."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from audit.numerals import is_digits
from registry.errors import AuthorizationFailed, TokenRefused
from registry.oauth.discovery import Authority
from registry.oauth.introduction import BASIC, POST, PUBLIC, can_be_an_id, description
from registry.oauth.web import Said, Web

# RFC 6750, section 2.1: what may stand behind `Bearer`.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_CODE = re.compile(r"[a-z_]{1,40}")
# Errors that pass; all others mean that asking again the same way is of no use.
_PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
_LONGEST = 10 * 365 * 86_400


@dataclass(frozen=True)
class Client:
    """Who we are to an authorization server, and how that is proved to it."""

    id: str
    secret: str = field(default="", repr=False)
    method: str = PUBLIC


@dataclass(frozen=True)
class Grant:
    """Where tokens are asked for, as whom, and for which resource."""

    token_endpoint: str
    client: Client
    resource: str
    scope: str = ""


@dataclass(frozen=True)
class Tokens:
    """What an authorization server gave. `expires_in` is seconds, None where it did not say."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_in: int | None = None
    scope: str = ""


def method_for(authority: Authority, secret: str) -> str:
    """How a client proves itself there, where nobody has said it yet."""
    if not secret:
        return PUBLIC
    listed = authority.auth_methods
    return POST if POST in listed and BASIC not in listed else BASIC


def published(authority: Authority, document_url: str) -> Client | None:
    """Ourselves by the address of our document; None where that is of no use there."""
    methods = authority.auth_methods
    takes_it = authority.reads_documents and (not methods or PUBLIC in methods)
    return Client(document_url) if takes_it and can_be_an_id(document_url) else None


def register(authority: Authority, redirect_uri: str, web: Web) -> Client:
    """Make ourselves known (RFC 7591). Raises AuthorizationFailed, UpstreamError."""
    offered = [one for one in (PUBLIC, BASIC, POST) if one in (authority.auth_methods or (BASIC,))]
    wanted = description(redirect_uri, method=offered[0] if offered else BASIC)
    said = web.post(authority.registration_endpoint, wanted)
    document = said.document if said.status in (200, 201) else None
    name = document.get("client_id") if document else None
    if document is None or not isinstance(name, str) or not name:
        raise AuthorizationFailed(f"{authority.issuer} did not register us: {_why(said)}")
    secret = document.get("client_secret")
    secret = secret if isinstance(secret, str) else ""
    given = document.get("token_endpoint_auth_method") or wanted["token_endpoint_auth_method"]
    if given not in (BASIC, POST, PUBLIC) or (given != PUBLIC and not secret):
        raise AuthorizationFailed(f"{authority.issuer} wants a proof of us that is not offered")
    return Client(name, secret, str(given))


def new_verifier() -> str:
    """A PKCE verifier (RFC 7636): 43 characters that nobody can guess."""
    return secrets.token_urlsafe(32)


def authorization_url(
    authority: Authority, grant: Grant, *, redirect_uri: str, state: str, verifier: str
) -> str:
    """Where the person's browser goes to say yes."""
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": grant.client.id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "resource": grant.resource,
        **({"scope": grant.scope} if grant.scope else {}),
    }
    sign = "&" if "?" in authority.authorization_endpoint else "?"
    return f"{authority.authorization_endpoint}{sign}{urlencode(asked)}"


def exchange(grant: Grant, web: Web, *, code: str, verifier: str, redirect_uri: str) -> Tokens:
    """Tokens for a code that the browser brought back."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return _tokens(grant, web, form | {"code_verifier": verifier})


def refresh(grant: Grant, web: Web, *, refresh_token: str) -> Tokens:
    """New tokens for old; the refresh token goes on where no new one comes."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    found = _tokens(grant, web, form)
    return Tokens(
        found.access_token,
        found.refresh_token or refresh_token,
        found.expires_in,
        found.scope or grant.scope,
    )


def client_credentials(grant: Grant, web: Web) -> Tokens:
    """Tokens for ourselves."""
    scope = {"scope": grant.scope} if grant.scope else {}
    return _tokens(grant, web, {"grant_type": "client_credentials"} | scope)


def revoke(endpoint: str, client: Client, token: str, *, web: Web) -> None:
    """Tell the authorization server that a token is over (RFC 7009). Raises UpstreamError."""
    form, headers = _proof(client)
    web.post_form(endpoint, {"token": token, **form}, headers)


def _tokens(grant: Grant, web: Web, form: Mapping[str, str]) -> Tokens:
    """Raises TokenRefused (asking again is of no use), AuthorizationFailed, UpstreamError."""
    proof, headers = _proof(grant.client)
    asked = {**form, "resource": grant.resource, **proof}
    said = web.post_form(grant.token_endpoint, asked, headers)
    if said.status == 200 and said.document is not None:
        return _read(said.document, grant.scope)
    code = _error_code(said)
    if 400 <= said.status < 500 and code and code not in _PASSING:
        raise TokenRefused(f"the authorization server gives no token: {code}", reason=code)
    raise AuthorizationFailed(f"the authorization server gives no token: {_why(said)}")


def _read(document: Mapping[str, Any], asked_scope: str) -> Tokens:
    token, kind = document.get("access_token"), document.get("token_type")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise AuthorizationFailed("the authorization server's token is none that can be sent")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise AuthorizationFailed("the authorization server's token is no bearer token")
    refresh_token, scope = document.get("refresh_token"), document.get("scope")
    return Tokens(
        access_token=token,
        refresh_token=refresh_token if isinstance(refresh_token, str) else "",
        expires_in=_seconds(document.get("expires_in")),
        scope=scope if isinstance(scope, str) else asked_scope,
    )


def _seconds(value: object) -> int | None:
    if isinstance(value, str) and is_digits(value, 11):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return int(min(value, _LONGEST))


def _proof(client: Client) -> tuple[dict[str, str], dict[str, str]]:
    """Form fields and headers that say who we are."""
    if client.method == BASIC:
        # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"
        encoded = base64.b64encode(pair.encode()).decode()
        return {}, {"authorization": f"Basic {encoded}"}
    if client.method == POST:
        return {"client_id": client.id, "client_secret": client.secret}, {}
    return {"client_id": client.id}, {}


def _error_code(said: Said) -> str:
    code = said.document.get("error") if said.document else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _why(said: Said) -> str:
    """In few words that are not foreign text."""
    return _error_code(said) or f"HTTP {said.status}"
