"""The middleware that knows where a request comes from, and keeps a used session alive.

Everybody behind this (the record, the lockout) reads REMOTE_ADDR, and nothing reads the headers.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts import addresses, sessions
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
        if request.path not in OPEN_TO_ALL and not addresses.may_come_in(address):
            addresses.note_refusal(address, request.method or "", path=request.path)
            return JsonResponse(
                body("address", "Nobody may come in from this address."), status=403
            )
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
    """The address this request comes from."""
    meta = request.META
    return addresses.client_address(
        str(meta.get("REMOTE_ADDR") or ""), meta.get("HTTP_X_FORWARDED_FOR", "")
    )
