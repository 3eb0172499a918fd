"""Errors of API views as answers: translated once, at the edge."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import Http404
from rest_framework import exceptions as rest
from rest_framework.response import Response

from accounts.errors import AccountsError
from accounts.errors import LimitReached as PersonLimitReached
from audit.errors import BadFilter
from gateway.errors import GatewayError, LimitReached, body, new_error_id
from registry.errors import RegistryError

log = logging.getLogger(__name__)


def answer(error: Exception, context: Mapping[str, Any]) -> Response:
    """Translate any exception of an API view, once, at the edge."""
    if isinstance(error, GatewayError):
        return _response(error)
    if isinstance(error, PersonLimitReached):
        return _response(LimitReached(reached=error))
    if isinstance(error, (AccountsError, RegistryError, BadFilter)):
        field, hint = getattr(error, "field", ""), getattr(error, "hint", "")
        more = {"hint": hint} if hint else {}
        return Response(body(error.code, str(error), field=field, **more), status=error.status)
    if isinstance(error, Http404):
        return Response(body("not_found", "There is nothing here."), status=404)
    if isinstance(error, RequestDataTooBig):
        return Response(body("too_large", "The body is larger than 1 MiB."), status=413)
    if isinstance(error, rest.APIException):
        return _of_rest_framework(error)
    return unexpected(error)


def _response(error: GatewayError) -> Response:
    details = error.details()
    wait = details.get("reset_seconds")
    return Response(
        body(error.code, error.message, field=error.field, **details),
        status=error.status,
        headers={} if wait is None else {"Retry-After": str(wait)},
    )


def unexpected(error: Exception) -> Response:
    """An error nobody foresaw: logged with an id, and nothing of it shown but the id."""
    error_id = new_error_id()
    log.error("unexpected error", exc_info=error, extra={"error_id": error_id})
    if isinstance(error, DatabaseError):
        response = Response(
            body("unavailable", "The database does not answer; try again.", error_id=error_id),
            status=503,
        )
        response["Retry-After"] = "5"
        return response
    return Response(
        body("internal", "Something went wrong on our side.", error_id=error_id), status=500
    )


def _of_rest_framework(error: rest.APIException) -> Response:
    headers = {}
    if isinstance(error, rest.NotAuthenticated | rest.AuthenticationFailed):
        headers["WWW-Authenticate"] = getattr(error, "auth_header", "Bearer")
    field, message = _first_detail(error.detail)
    code = getattr(error, "default_code", "error")
    return Response(body(code, message, field=field), status=error.status_code, headers=headers)


def _first_detail(detail: Any, field: str = "") -> tuple[str, str]:
    if isinstance(detail, Mapping) and detail:
        name, value = next(iter(detail.items()))
        own = "" if name in ("detail", "non_field_errors") else str(name)
        return _first_detail(value, ".".join(part for part in (field, own) if part))
    if isinstance(detail, list) and detail:
        return _first_detail(detail[0], field)
    return field, str(detail)
