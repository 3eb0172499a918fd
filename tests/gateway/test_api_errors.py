"""Each kind of error of an API view is answered in one shape, and tells no more than it may."""

import logging

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions as rest
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts.errors import LimitReached, PolicyUnavailable
from accounts.policy import Decision, Effect
from gateway import api_errors, errors
from registry.errors import BreakerOpen


def told(error):
    response = api_errors.answer(error, {})
    return response.status_code, response.data["error"]


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (
            errors.BadRequest("No text.", field="question"),
            400,
            {"code": "bad_request", "message": "No text.", "field": "question"},
        ),
        (errors.Expired("Late."), 504, {"code": "expired", "message": "Late."}),
        (
            errors.Refused(
                Decision(Effect.DENY, "role", "allow_only", "May not.", "Ask.", (), ())
            ),
            403,
            {
                "code": "refused",
                "message": "May not.",
                "layer": "role",
                "rule": "allow_only",
                "reason": "May not.",
                "fix": "Ask.",
                "grant_helps": False, "decision_id": None,
            },
        ),
        (PolicyUnavailable("No."), 503, {"code": "policy_unavailable", "message": "No."}),
        (
            LimitReached(
                "requests an hour", kind="requests_per_hour", whose="the role viewer",
                limit=2, used=2, reset_seconds=9,
            ),
            429,
            {
                "code": "limit_reached",
                "message": "The limit of 2 requests an hour of the role viewer is reached: 2 used;"
                " try again in 9 seconds.",
                "kind": "requests_per_hour",
                "whose": "the role viewer",
                "limit": 2,
                "used": 2,
                "held": 0,
                "reset_seconds": 9,
            },
        ),
        (
            BreakerOpen("Wait.", retry_after=3),
            503,
            {"code": "server_unavailable", "message": "Wait."},
        ),
        (Http404("x"), 404, {"code": "not_found", "message": "There is nothing here."}),
        (
            RequestDataTooBig("x"),
            413,
            {"code": "too_large", "message": "The body is larger than 1 MiB."},
        ),
        (
            rest.ValidationError({"a": {"b": ["one", "two"]}}),
            400,
            {"code": "invalid", "message": "one", "field": "a.b"},
        ),
        (
            rest.MethodNotAllowed("PUT"),
            405,
            {"code": "method_not_allowed", "message": 'Method "PUT" not allowed.'},
        ),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_each_kind_of_error_has_its_status_and_body(error, status, body):
    assert told(error) == (status, body)


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (RuntimeError("SELECT secret FROM accounts_user"), 500, "internal"),
        (KeyError("/srv/omni2/secrets.json"), 500, "internal"),
        (OperationalError("FATAL: password for omni2@db.internal"), 503, "unavailable"),
    ],
)
def test_an_unexpected_error_in_a_view_tells_its_id_and_nothing_else(raised, status, code, caplog):
    class Broken(APIView):
        authentication_classes: list[type] = []
        permission_classes: list[type] = []

        def get(self, request):
            raise raised

    with caplog.at_level(logging.ERROR, "gateway.api_errors"):
        response = Broken.as_view()(APIRequestFactory().get("/api/x")).render()

    [entry] = caplog.records
    error = response.data["error"]
    assert (response.status_code, error["code"], error["error_id"]) == (
        status, code, entry.error_id,
    )  # fmt: skip
    assert set(error) == {"code", "message", "error_id"}
    assert entry.exc_info[1] is raised
    for word in ("Traceback", "SELECT", "secret", "/srv", "db.internal", type(raised).__name__):
        assert word not in response.content.decode()
