"""Access tokens of the identity provider: OMNI2 as a resource server (RFC 9728, RFC 9068).

A token lets in whoever has logged in by that provider before, and only where it was issued for this
very resource: one for anything else, an ID token among them, is nobody's here. It is passed on to
nobody.
"""

import threading
import time
from typing import Any

import jwt
import requests
from django.conf import settings

from accounts import single_sign_on
from accounts.auth import Arrival, NotThisPerson, refused
from accounts.models import User
from audit import looks
from gateway.single_sign_on import PROVIDER, SIGNATURES, Session

KEEP_SECONDS = 600
# An unknown key is looked for anew, but not by everybody who makes one up.
LOOK_AGAIN_SECONDS = 30
MAXIMUM_LENGTH = 8192


class _Keys:
    """The provider's keys by their ids, fetched when they are needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._issuer = ""
        self._fetched = 0.0
        self._keys: dict[str, Any] = {}

    def find(self, kid: str) -> Any:
        """The key of this id. Raises requests' errors, and ValueError where there is none."""
        with self._lock:
            age = time.monotonic() - self._fetched
            is_other = self._issuer != settings.OIDC_ISSUER
            if (
                is_other
                or age > KEEP_SECONDS
                or (kid not in self._keys and age > LOOK_AGAIN_SECONDS)
            ):
                self._keys, self._issuer = _fetch(settings.OIDC_ISSUER), settings.OIDC_ISSUER
                self._fetched = time.monotonic()
            if kid not in self._keys:
                raise ValueError("no such key")
            return self._keys[kid]


_keys = _Keys()


def enabled() -> bool:
    """Whether the deployment lets such tokens in."""
    return bool(settings.MCP_OAUTH and settings.OIDC_ISSUER)


def person_of(token: str, arrival: Arrival) -> User:
    """Whom the token stands for; NotThisPerson, on the record, for any that does not do."""
    try:
        claims = _verified(token, arrival.path)
    except (jwt.PyJWTError, requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise refused(arrival, f"token: {type(error).__name__}") from None
    # Its keys may have been fetched first.
    looks.look_again()
    person = single_sign_on.known(PROVIDER, str(claims["sub"]))
    if person is None:
        raise NotThisPerson("Log in by single sign-on on the page first.") from refused(
            arrival, "token: nobody has logged in with this subject"
        )
    if not person.may_act():
        raise refused(arrival, "person may not act", person=person.email)
    return person


def resource_at(path: str) -> str:
    """What the resource at this path is called in tokens and in its metadata."""
    return f"{settings.PUBLIC_URL}{path}"


def _verified(token: str, path: str) -> dict[str, Any]:
    if len(token) > MAXIMUM_LENGTH:
        raise ValueError("too long")
    header = jwt.get_unverified_header(token)
    algorithm = header.get("alg")
    if algorithm not in SIGNATURES:
        raise ValueError("this signature is not taken")
    claims: dict[str, Any] = jwt.decode(
        token,
        _keys.find(str(header.get("kid"))),
        algorithms=[algorithm],
        issuer=settings.OIDC_ISSUER,
        audience=[resource_at(path), resource_at("/mcp")],
        options={"require": ["exp", "iss", "aud", "sub"]},
    )
    return claims


def _fetch(issuer: str) -> dict[str, Any]:
    with Session() as session:
        found = _json(session, f"{issuer}/.well-known/openid-configuration")
        if found["issuer"].rstrip("/") != issuer:
            raise ValueError("the provider calls itself another")
        keys = _json(session, found["jwks_uri"])["keys"]
    return {key["kid"]: jwt.PyJWK(key).key for key in keys if "kid" in key}


def _json(session: Session, url: str) -> Any:
    answer = session.get(url)
    answer.raise_for_status()
    return answer.json()
