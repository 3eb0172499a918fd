"""REST: ask for access, and decide on what others asked for."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import AccessRequest, ApiKey
from gateway import access_requests
from gateway import api_shapes as shapes
from gateway.api import View, asker_of
from gateway.errors import BadRequest

MAXIMUM_ROWS = 200


class RequestBody(shapes.Strict):
    server = shapes.StrictText(max_length=64)
    tools = serializers.ListField(child=shapes.StrictText(max_length=512))
    reason = shapes.StrictText()


class DecisionBody(shapes.Strict):
    decision = serializers.ChoiceField(choices=["grant", "refuse"])
    until = serializers.DateTimeField(required=False)
    answer = shapes.StrictText(required=False, default="", allow_blank=True)


class AccessRequestShape(serializers.Serializer):
    id = serializers.IntegerField()
    person = serializers.EmailField()
    server = serializers.CharField()
    tools = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()
    state = serializers.ChoiceField(choices=AccessRequest.State.choices)
    created_at = serializers.DateTimeField()
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True, help_text="When the grant ends.")


class AccessRequestsShape(serializers.Serializer):
    mine = AccessRequestShape(many=True)
    to_decide = AccessRequestShape(many=True)


def present(row: AccessRequest) -> dict[str, Any]:
    """A request as `AccessRequestShape` documents it."""
    own = ("id", "server", "tools", "reason", "state", "created_at", "decided_by", "decided_at")
    shown = {name: getattr(row, name) for name in own}
    until = row.grant.expires_at if row.grant else None
    return {**shown, "person": row.person.email, "answer": row.answer, "until": until}


class RequestsView(View):
    """Ask for tools that the policy keeps from one; see what became of it."""

    required_scope = ApiKey.Scope.TOOLS

    @extend_schema(
        operation_id="request_access",
        request=RequestBody,
        responses={201: AccessRequestShape, 400: shapes.Error, 409: shapes.Error},
    )
    def post(self, request: Request) -> Response:
        body = RequestBody(data=request.data)
        body.is_valid(raise_exception=True)
        row = access_requests.request(asker_of(request), **body.validated_data)
        return Response(present(row), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="access_requests",
        parameters=[
            OpenApiParameter("state", enum=AccessRequest.State.values, description="Of one's own.")
        ],
        responses={200: AccessRequestsShape, 400: shapes.Error},
    )
    def get(self, request: Request) -> Response:
        """One's own requests, newest first, and the open ones that one may decide on."""
        user = asker_of(request).user
        mine = AccessRequest.objects.filter(person=user).select_related("person", "grant")
        wanted = request.query_params.get("state")
        if wanted is not None and wanted not in AccessRequest.State.values:
            known = ", ".join(AccessRequest.State.values)
            raise BadRequest(f"This is one of: {known}.", field="state")
        if wanted is not None:
            mine = mine.filter(state=wanted)
        to_decide = access_requests.decidable_by(user).open().select_related("grant")
        listed = {"mine": mine, "to_decide": to_decide}
        return Response(
            {name: [present(row) for row in rows[:MAXIMUM_ROWS]] for name, rows in listed.items()}
        )


class DecideView(View):
    """Decide on somebody else's request: a grant with an end, or a no with a reason."""

    required_scope = ApiKey.Scope.ADMIN

    @extend_schema(
        operation_id="decide_access",
        request=DecisionBody,
        responses={
            200: AccessRequestShape,
            400: shapes.Error,
            403: shapes.Error,
            404: shapes.Error,
            409: shapes.Error,
        },
    )
    def post(self, request: Request, number: int) -> Response:
        body = DecisionBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted, by = body.validated_data, asker_of(request)
        row = access_requests.find(by.user, number)
        if wanted["decision"] == "grant":
            until = wanted.get("until")
            access_requests.grant(row, by=by, until=until, answer=wanted["answer"])
        else:
            access_requests.refuse(row, by=by, answer=wanted["answer"])
        return Response(present(row))


class WithdrawView(View):
    """Take one's own request back."""

    required_scope = ApiKey.Scope.TOOLS

    @extend_schema(
        operation_id="withdraw_access_request",
        request=None,
        responses={200: AccessRequestShape, 404: shapes.Error, 409: shapes.Error},
    )
    def post(self, request: Request, number: int) -> Response:
        by = asker_of(request)
        return Response(
            present(access_requests.withdraw(access_requests.find(by.user, number), by=by))
        )
