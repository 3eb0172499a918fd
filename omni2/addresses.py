"""Where a request comes from: the proxies we trust are looked through, and who may come in at all.

Everybody behind this (the record, the lockout) reads REMOTE_ADDR, and nothing reads the headers.
"""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts import sessions
from audit import record
from audit.models import Entry
from audit.record import Who
from gateway.errors import body

Next = Callable[[HttpRequest], HttpResponse]
# Probes come from the house's own machines; Slack signs what it sends, from addresses of its own.
OPEN_TO_ALL = ("/api/health/live", "/api/health/ready", "/slack/events")


class ClientAddress:
    """Middleware: REMOTE_ADDR is the client's own address, and an address that may come in."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address = client_address(request)
        request.META["REMOTE_ADDR"] = address
        if settings.ALLOWED_IPS and request.path not in OPEN_TO_ALL and not may_come_in(address):
            return _refuse(request, address)
        return self.get_response(request)


class SessionTime:
    """Middleware, after authentication: a session that is used lasts on."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            sessions.mark_used(request)
        return self.get_response(request)


def client_address(request: HttpRequest) -> str:
    """The address that the outermost of our own proxies saw; without proxies, the connection's.

    Each proxy adds to the right of X-Forwarded-For whom it was called by; what stands further left
    than our own proxies wrote is the client's word, and counts for nothing.
    """
    direct = str(request.META.get("REMOTE_ADDR") or "")
    proxies = settings.TRUSTED_PROXIES
    if not proxies:
        return direct
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    named = hops[-proxies] if len(hops) >= proxies else ""
    try:
        return str(ipaddress.ip_address(named))
    except ValueError:
        return direct


def may_come_in(address: str) -> bool:
    """Whether one of the allowed addresses and networks is or holds this one."""
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    here = getattr(here, "ipv4_mapped", None) or here
    return any(here in ipaddress.ip_network(one, strict=False) for one in settings.ALLOWED_IPS)


def _refuse(request: HttpRequest, address: str) -> HttpResponse:
    record.write(
        Entry.Kind.AUTH_REFUSED,
        Entry.Outcome.REFUSED,
        who=Who(address=address),
        error_code="address",
        detail={"reason": "address", "method": request.method, "path": request.path},
    )
    return JsonResponse(body("address", "Nobody may come in from this address."), status=403)
