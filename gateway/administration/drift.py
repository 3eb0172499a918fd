"""Drift over REST: what of servers' tools waits, and accepting or rejecting it as it was seen."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import api_shapes as shapes
from gateway.administration import base
from registry import deciding, reviewing
from registry.models import Server, Tool
from registry.reviewing import Review


class DifferenceShape(serializers.Serializer):
    said = serializers.CharField()
    dangerous = serializers.BooleanField()


class WaitingToolShape(serializers.Serializer):
    server = serializers.CharField()
    tool = serializers.CharField()
    fingerprint = serializers.CharField(help_text="Of the form that waits; a decision names it.")
    reason = serializers.CharField()
    rejected_by = serializers.CharField(help_text="Empty while it waits for a decision.")
    flaw = serializers.CharField(help_text="Why nobody can accept it; empty when one can.")
    differences = DifferenceShape(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    accepted = serializers.JSONField(help_text="The form accepted last, {} for none.")
    waiting = serializers.JSONField(help_text="The server's own words: not to be trusted.")


class SeenBody(shapes.Strict):
    tools = serializers.DictField(
        child=shapes.StrictText(max_length=64),
        allow_empty=False,
        help_text="The fingerprint that was looked at, by the tool's name; for one, some or all.",
    )


class DecidedShape(serializers.Serializer):
    tool = serializers.CharField()
    state = serializers.ChoiceField(Tool.State.choices)
    fingerprint = serializers.CharField()


DECIDED = {200: DecidedShape(many=True), 409: shapes.Error, **base.REFUSALS_OF_ONE}


def present(review: Review) -> dict[str, Any]:
    """A tool that waits as `WaitingToolShape` documents it."""
    tool = review.tool
    return {
        "server": tool.server.name,
        "tool": tool.name,
        "fingerprint": review.fingerprint,
        "reason": tool.state_reason,
        "rejected_by": tool.rejected_by,
        "flaw": review.flaw,
        "differences": [
            {"said": one.said, "dangerous": one.dangerous} for one in review.differences
        ],
        "warnings": list(review.warnings),
        "accepted": review.accepted,
        "waiting": review.waiting,
    }


class WaitingView(base.AdminView):
    """The tools about which somebody has to decide, with what is different and what is dangerous.

    `rejected=true`: those that somebody has rejected instead.
    """

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_drift",
        parameters=[
            *base.PAGING,
            OpenApiParameter("server", str),
            OpenApiParameter("rejected", enum=["true", "false"]),
        ],
        responses={200: base.page_of(WaitingToolShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        wanted = base.filters(request, "server", "rejected")
        rows = Tool.objects.select_related("server").order_by("server__name", "name")
        rows = rows.rejected() if wanted.get("rejected") == "true" else rows.waiting()
        if "server" in wanted:
            rows = rows.filter(server__name=wanted["server"])
        limit, offset = base.bounds(request)
        items = [present(one) for one in reviewing.review(rows[offset : offset + limit])]
        return Response({"total": rows.count(), "limit": limit, "offset": offset, "items": items})


class AcceptView(base.AdminView):
    """Offer tools of a server from now on, as they were seen: all that are named, or none.

    What has changed since it was looked at is a 409.
    """

    required_right = Right.MODIFY_CONFIG

    @extend_schema(operation_id="admin_accept_tools", request=SeenBody, responses=DECIDED)
    def post(self, request: Request, name: str) -> Response:
        return _decide(request, name, accepted=True)


class RejectView(base.AdminView):
    """Keep tools of a server set aside until they change: all that are named, or none."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(operation_id="admin_reject_tools", request=SeenBody, responses=DECIDED)
    def post(self, request: Request, name: str) -> Response:
        return _decide(request, name, accepted=False)


def _decide(request: Request, name: str, *, accepted: bool) -> Response:
    server = base.find(Server.objects.all(), name=name)
    forms = base.checked(SeenBody, request)["tools"]
    tools = deciding.called(server, forms)
    do = deciding.accept if accepted else deciding.reject
    do(tools, base.who(request), seen={tool.pk: forms[tool.name] for tool in tools})
    return Response(
        [
            {"tool": tool.name, "state": tool.state, "fingerprint": forms[tool.name]}
            for tool in deciding.called(server, forms)
        ]
    )
