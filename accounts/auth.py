"""Who a request is from: an API key or a session, and nothing it says about itself.

A request that brings an `Authorization` header is judged by that header alone; it never falls
through to the session. Whatever is wrong with a key, the answer is the same 401; only the record
says which it was.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request

from accounts import access, key_use
from accounts.models import ApiKey, User
from accounts.models.keys import KEY_PREFIX, digest
from audit import lately, record
from audit.models import Entry
from audit.record import Who
from audit.stamps import Kept

if TYPE_CHECKING:
    # REST framework's views read their settings, which name this module.
    from rest_framework.views import APIView

CHALLENGE = 'Bearer realm="omni2"'
MAXIMUM_LENGTH = 200
USER_AGENT_LENGTH = 200
_PREFIX_LENGTH = 12
# Compared with when there is no such key, so that a wrong prefix takes as long as a wrong secret.
_NO_KEY = digest("")
# Good until somebody is refused anywhere: as time passes alone, failures get fewer.
_let_in = Kept("accounts", "refusals", of="keys let in")


class NotThisPerson(exceptions.AuthenticationFailed):
    """The one answer to every credential that does not do."""

    default_detail = "These credentials are not valid."
    default_code = "unauthenticated"


class OutOfScope(exceptions.PermissionDenied):
    """The key is good, but not for this."""

    default_code = "scope"


@dataclass(frozen=True)
class Arrival:
    """How a request came in, as the record says it."""

    address: str = ""
    user_agent: str = ""
    method: str = ""
    path: str = ""

    @classmethod
    def of(cls, request: Request | HttpRequest) -> "Arrival":
        return cls(**_origin(request), method=request.method or "", path=request.path)

    def origin(self) -> dict[str, str]:
        return {"address": self.address, "user_agent": self.user_agent}


def prove(header: str, arrival: Arrival) -> tuple[User, ApiKey]:
    """The person and the key that an `Authorization` header proves; NotThisPerson for any other."""
    parts = _parse(header)
    if parts is None:
        raise refused(arrival, "malformed")
    prefix, secret = parts
    place = (prefix, digest(secret), arrival.address)
    key = _let_in.get(place, lambda: _read(arrival, prefix, secret=secret))
    # Also of one that is kept: time passes.
    _require(key, secret, arrival=arrival, prefix=prefix)
    key.mark_used()
    person = access.person_of(key)
    key_use.note(key, _who_uses(person, prefix, arrival))
    return person, key


def _who_uses(person: User, prefix: str, arrival: Arrival) -> Who:
    role = person.role.name if person.role else ""
    return Who(person=person.email, role=role, api_key=prefix, **arrival.origin())


def _read(arrival: Arrival, prefix: str, *, secret: str) -> ApiKey:
    """The key as its row is now, if it will do and was not refused from there too often lately."""
    if _failed_often(arrival, prefix):
        raise refused(arrival, "too many failures", prefix=prefix, kind=Entry.Kind.AUTH_LOCKED)
    return _require(access.stored_key(prefix), secret, arrival=arrival, prefix=prefix)


def _require(key: ApiKey | None, secret: str, *, arrival: Arrival, prefix: str) -> ApiKey:
    fault = _fault(key, secret)
    if key is None or fault:
        raise refused(arrival, fault, prefix=prefix, person=key.user.email if key else "")
    return key


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer omni2_<prefix>_<secret>`; `request.auth` is then the key."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """The key's person; None without the header; NotThisPerson for everything else."""
        header = request.META.get("HTTP_AUTHORIZATION")
        return None if header is None else prove(header, Arrival.of(request))

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class SessionAuthentication(authentication.SessionAuthentication):
    """The person logged in on the pages, with the CSRF check; `request.auth` is then None."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The session's person; None for nobody; NotThisPerson for somebody who may not act."""
        user = getattr(request._request, "user", AnonymousUser())
        if not isinstance(user, User):
            return None
        if not user.may_act():
            raise refused(Arrival.of(request), "person may not act", person=user.email)
        self.enforce_csrf(request)
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class RequiresScope(permissions.BasePermission):
    """Somebody is known, and their key (when it is a key) carries the view's `required_scope`.

    Of several, any will do. A view that names no scope is closed to keys.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """True, False for nobody, or OutOfScope."""
        if not isinstance(request.user, User):
            return False
        scope = getattr(view, "required_scope", None)
        scopes = (scope,) if isinstance(scope, str) else scope or ()
        if request.auth is None:
            return True
        if not isinstance(request.auth, ApiKey) or not set(scopes) & set(request.auth.scopes):
            raise OutOfScope(f"This key lacks the scope {' or '.join(scopes) or 'for this'}.")
        return True


def who_of(request: Request | HttpRequest, door: str) -> Who:
    """Who the record says it was: from the credential and the connection, never from a claim."""
    user = request.user if isinstance(request.user, User) else None
    person = user.email if user else ""
    role = user.role.name if user and user.role else ""
    # A page's request is Django's own and has no `auth`.
    key = getattr(request, "auth", None)
    prefix = key.prefix if isinstance(key, ApiKey) else ""
    return Who(person=person, role=role, door=door, api_key=prefix, **_origin(request))


def _parse(header: Any) -> tuple[str, str] | None:
    """Prefix and secret of a well-formed header."""
    if not isinstance(header, str) or len(header) > MAXIMUM_LENGTH or not header.isascii():
        return None
    scheme, _, token = header.partition(" ")
    parts = token.split("_", 2)
    if scheme.lower() != "bearer" or len(parts) != 3 or parts[0] != KEY_PREFIX:
        return None
    _, prefix, secret = parts
    well_formed = len(prefix) == _PREFIX_LENGTH and prefix.isalnum() and secret
    return (prefix, secret) if well_formed and token.isprintable() and " " not in token else None


def _fault(key: ApiKey | None, secret: str) -> str:
    """Why the key does not do, for the record alone; empty when it does."""
    if key is None:
        hmac.compare_digest(_NO_KEY, digest(secret))
        return "unknown"
    if not key.matches(secret):
        return "wrong secret"
    if key.revoked_at is not None:
        return "revoked"
    if not key.usable():
        return "expired"
    return "" if key.user.may_act() else "person may not act"


def _failed_often(arrival: Arrival, prefix: str) -> bool:
    """Whether this prefix was refused from this address too often within the last minute."""
    most = settings.KEY_MAX_FAILURES_PER_MINUTE
    within = timedelta(minutes=1)
    return most > 0 and lately.refused(prefix, arrival.address, within=within, most=most) >= most


def refused(
    arrival: Arrival,
    reason: str,
    *,
    prefix: str = "",
    person: str = "",
    kind: Entry.Kind = Entry.Kind.AUTH_REFUSED,
) -> NotThisPerson:
    """Put the attempt on the record, without what was presented."""
    record.write(
        kind,
        Entry.Outcome.REFUSED,
        who=Who(person=person, api_key=prefix, **arrival.origin()),
        error_code=NotThisPerson.default_code,
        detail={"reason": reason, "method": arrival.method, "path": arrival.path},
    )
    return NotThisPerson()


def _origin(request: Request | HttpRequest) -> dict[str, str]:
    agent = str(request.META.get("HTTP_USER_AGENT", ""))
    return {
        "address": str(request.META.get("REMOTE_ADDR", "")),
        "user_agent": agent[:USER_AGENT_LENGTH],
    }
