"""Unknown outcomes over REST: which calls they are, and saying what became of one."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import api_shapes as shapes
from gateway import outcomes, present
from gateway.administration import base
from gateway.api import asker_of
from gateway.models import Call


class UnknownCallShape(serializers.Serializer):
    id = serializers.UUIDField()
    person = serializers.EmailField()
    question = serializers.UUIDField(allow_null=True)
    server = serializers.CharField()
    tool = serializers.CharField()
    arguments = serializers.DictField(help_text="Secrets in it are left out.")
    error = serializers.CharField(help_text="The last that was heard of it.")
    created_at = serializers.DateTimeField()
    settled = shapes.SettledOutcome(allow_null=True)


class SettleBody(shapes.Strict):
    carried_out = serializers.BooleanField()
    note = shapes.StrictText(help_text="How it is known.")


def presented(call: Call) -> dict[str, Any]:
    """A call as `UnknownCallShape` documents it; nothing of what a tool returned is in it."""
    return {
        "id": call.pk,
        "person": call.person.email,
        "question": call.question_id,
        "server": call.server,
        "tool": call.tool,
        "arguments": call.arguments,
        "error": call.error_code,
        "created_at": call.created_at,
        "settled": present.settled(call),
    }


class UnknownCallsView(base.AdminView):
    """The calls of which nobody knows whether they were carried out, the oldest first."""

    required_right = Right.APPROVE_CALLS

    @extend_schema(
        operation_id="admin_unknown_calls",
        parameters=base.PAGING,
        responses={200: base.page_of(UnknownCallShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        base.filters(request)
        return base.page(request, outcomes.to_settle(asker_of(request)), presented)


class SettleView(base.AdminView):
    """Say that a call was carried out, or that it was not: once, with how it is known."""

    required_right = Right.APPROVE_CALLS

    @extend_schema(
        operation_id="admin_settle_call",
        request=SettleBody,
        responses={200: UnknownCallShape, 409: shapes.Error, **base.REFUSALS_OF_ONE},
    )
    def post(self, request: Request, call_id: UUID) -> Response:
        wanted = base.checked(SettleBody, request)
        return Response(presented(outcomes.settle(call_id, asker=asker_of(request), **wanted)))
