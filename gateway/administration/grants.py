"""Grants over REST: what adds to one person's reach, until a day."""

from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import grants
from accounts.authority import Right
from accounts.models import ServerGrant
from gateway import api_shapes as shapes
from gateway import explain
from gateway.administration import base
from gateway.errors import BadRequest

_PLAIN = ("id", "server", "tools", "reason", "granted_by", "created_at")
_STATES = {
    "open": Q(expires_at=None) | Q(expires_at__gt=Now()),
    "over": Q(expires_at__lte=Now()),
}


class GrantShape(serializers.Serializer):
    id = serializers.IntegerField()
    person = serializers.EmailField()
    server = serializers.CharField()
    tools = serializers.ListField(child=serializers.CharField())
    until = serializers.DateTimeField(allow_null=True, help_text="null: it has no end.")
    reason = serializers.CharField()
    granted_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class GrantBody(shapes.Strict):
    person = shapes.StrictText(max_length=254, help_text="The e-mail address.")
    server = shapes.StrictText(max_length=64)
    tools = serializers.ListField(child=shapes.StrictText(max_length=512), allow_empty=False)
    until = serializers.DateTimeField(required=False, help_text="Without it, the usual time.")
    reason = shapes.StrictText(max_length=2000, default="", allow_blank=True)


def present(grant: ServerGrant) -> dict[str, Any]:
    """A grant as `GrantShape` documents it."""
    shown = {name: getattr(grant, name) for name in _PLAIN}
    return {**shown, "person": grant.user.email, "until": grant.expires_at}


def _rows() -> QuerySet[ServerGrant]:
    return ServerGrant.objects.select_related("user").order_by("user__email", "server", "pk")


class GrantsView(base.AdminView):
    """Everybody's grants."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_grants",
        parameters=[
            *base.PAGING,
            OpenApiParameter("person", description="The e-mail address."),
            OpenApiParameter("server"),
            OpenApiParameter("state", enum=list(_STATES)),
        ],
        responses={200: base.page_of(GrantShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        wanted, found = base.filters(request, "person", "server", "state"), _rows()
        if "person" in wanted:
            found = found.filter(user__email=wanted["person"].lower())
        if "server" in wanted:
            found = found.filter(server=wanted["server"])
        if "state" in wanted:
            if wanted["state"] not in _STATES:
                raise BadRequest(f"This is one of: {', '.join(_STATES)}.", field="state")
            found = found.filter(_STATES[wanted["state"]])
        return base.page(request, found, present)

    @extend_schema(
        operation_id="admin_give_grant",
        request=GrantBody,
        responses={201: GrantShape, **base.REFUSALS_OF_ONE},
    )
    def post(self, request: Request) -> Response:
        values = base.checked(GrantBody, request)
        person = explain.find_person(values.pop("person"))
        explain.find_server(values["server"])
        by, who = base.administrator(request), base.who(request)
        grant = grants.give(person, by=by, who=who, **values)
        return Response(present(grant), status=status.HTTP_201_CREATED)


class GrantView(base.AdminView):
    """One grant."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_revoke_grant",
        responses={200: GrantShape, 403: shapes.Error, 404: shapes.Error},
    )
    def delete(self, request: Request, grant_id: int) -> Response:
        """Take the grant back; the answer says what it was."""
        grant = base.find(_rows(), pk=grant_id)
        shown = present(grant)
        grants.revoke(grant, by=base.administrator(request), who=base.who(request))
        return Response(shown)
