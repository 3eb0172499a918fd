"""The tree of errors is the one its docstring draws, and each is told once, in one shape."""

import logging
import re

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions as rest
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts.errors import LimitReached, PolicyUnavailable
from accounts.policy import Decision, Effect
from gateway import errors
from registry.errors import BreakerOpen

DRAWN = re.findall(r"^([│├└─ ]*)(\w+) +(\d{3})  (\w+)", errors.__doc__ or "", re.MULTILINE)


def tree(base: type[errors.GatewayError]) -> set[type[errors.GatewayError]]:
    return {base}.union(*(tree(child) for child in base.__subclasses__()))


def drawn_parents() -> dict[str, str]:
    """Each drawn class and the one it hangs on: four characters further out."""
    parents, last = {}, {}
    for branch, name, _, _ in DRAWN:
        level = len(branch) // 4
        last[level] = name
        parents[name] = last.get(level - 1, "Exception")
    return parents


def test_the_docstring_draws_every_class_with_its_code_status_and_parent():
    ours = [one for one in tree(errors.GatewayError) if one.__module__ == "gateway.errors"]

    assert {(name, int(status), code) for _, name, status, code in DRAWN} == {
        (one.__name__, one.status, one.code) for one in ours
    }
    assert drawn_parents() == {one.__name__: one.__base__.__name__ for one in ours}


def test_no_two_classes_share_a_code():
    codes = [one.code for one in tree(errors.GatewayError)]

    assert sorted(codes) == sorted(set(codes))


def told(error):
    response = errors.api_exception_handler(error, {})
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
                "grant_helps": False,
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

    with caplog.at_level(logging.ERROR, "gateway.errors"):
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


def test_every_unexpected_error_has_an_id_of_its_own():
    assert len({errors.new_error_id() for _ in range(100)}) == 100
