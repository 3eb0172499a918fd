"""The one path that Slack calls."""

import logging
import time

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from gateway import errors
from slackapp import signature

log = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """Answer one request of Slack within its three seconds; 401 unless Slack signed it just now."""
    if not (settings.SLACK_SIGNING_SECRET and settings.SLACK_BOT_TOKEN):
        return _error(
            503,
            "slack_not_configured",
            "Slack is not set up here: SLACK_SIGNING_SECRET and SLACK_BOT_TOKEN must both be set.",
        )
    try:
        fault = _fault(request)
    except RequestDataTooBig:
        return _error(413, "too_large", "The body is larger than 1 MiB.")
    if fault:
        log.warning("a request to the Slack endpoint was turned away: %s", fault)
        return _error(401, "invalid_signature", "This request was not signed by Slack just now.")
    return _dispatch(request)


def _fault(request: HttpRequest) -> str:
    return signature.fault(
        request.body,
        timestamp=request.headers.get("X-Slack-Request-Timestamp", ""),
        signature=request.headers.get("X-Slack-Signature", ""),
        secret=settings.SLACK_SIGNING_SECRET,
        now=time.time(),
    )


def _dispatch(request: HttpRequest) -> HttpResponse:
    from slackapp.app import handler  # noqa: PLC0415  importing Bolt costs 0.7 s

    try:
        return handler(settings.SLACK_SIGNING_SECRET).handle(request)
    except (ValueError, RecursionError):
        # Bolt reads the body before anything else; its listeners' errors do not come out here.
        return _error(400, "bad_request", "The body is not what Slack sends.")


def _error(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse(errors.body(code, message), status=status)
