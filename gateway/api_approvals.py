"""Approvals over REST: what waits for somebody's yes, and saying it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey
from gateway import api_shapes as shapes
from gateway import deciding, errors, present
from gateway.api import View, asker_of, result_of

SHOWN = 100


class ApprovalsView(View):
    """One's own approvals, and those one may decide on now."""

    required_scope = (ApiKey.Scope.READ, ApiKey.Scope.TOOLS, ApiKey.Scope.APPROVE)

    @extend_schema(operation_id="approvals", responses={200: shapes.Approvals})
    def get(self, request: Request) -> Response:
        asker = asker_of(request)
        asked = deciding.asked_by(asker)[:SHOWN]
        others = deciding.to_decide(asker)[:SHOWN] if _decides(request) else []
        return Response(
            {
                "asked": [present.approval(one) for one in asked],
                "to_decide": [present.approval(one) for one in others],
            }
        )


class ApprovalView(View):
    """One approval; whoever asked sees the result of the call as well."""

    required_scope = (ApiKey.Scope.READ, ApiKey.Scope.TOOLS, ApiKey.Scope.APPROVE)

    @extend_schema(
        operation_id="approval", responses={200: shapes.ApprovalWithResult, 404: shapes.Error}
    )
    def get(self, request: Request, approval_id: UUID) -> Response:
        asker = asker_of(request)
        approval = deciding.find(approval_id, asker=asker)
        own = approval.person_id == asker.user.pk
        if not own and not _decides(request):
            raise errors.NotFound(deciding.NO_SUCH)
        made: dict[str, Any] | None = result_of(approval.call) if own and approval.call else None
        return Response(present.approval(approval) | {"result": made})


class DecideView(View):
    """Say yes or no to somebody else's call."""

    required_scope = ApiKey.Scope.APPROVE

    @extend_schema(
        operation_id="decide",
        request=shapes.Decide,
        responses={
            200: shapes.Approval,
            400: shapes.Error,
            403: shapes.Error,
            404: shapes.Error,
            409: shapes.Error,
        },
    )
    def post(self, request: Request, approval_id: UUID) -> Response:
        body = shapes.Decide(data=request.data)
        body.is_valid(raise_exception=True)
        approval = deciding.decide(
            approval_id,
            approve=body.validated_data["decision"] == "approve",
            asker=asker_of(request),
            reason=body.validated_data["reason"],
        )
        return Response(present.approval(approval))


def _decides(request: Request) -> bool:
    """Whether this credential is for deciding: a session, or a key made for it."""
    key = request.auth
    return not isinstance(key, ApiKey) or ApiKey.Scope.APPROVE in key.scopes
