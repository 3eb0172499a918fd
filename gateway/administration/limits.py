"""Usage limits over REST: what a person, or each person of a role, may use in a period."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import usage_limits
from accounts.authority import Right
from accounts.errors import plain
from accounts.models import Role, UsageLimit, User
from accounts.models.limits import LONGEST_DAYS
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.errors import BadRequest


class LimitShape(serializers.Serializer):
    id = serializers.IntegerField()
    person = serializers.EmailField(allow_null=True, help_text="Of one person,")
    role = serializers.CharField(allow_null=True, help_text="or of each person of a role.")
    period_days = serializers.IntegerField()
    max_requests = serializers.IntegerField(allow_null=True, help_text="null: no limit.")
    max_tokens = serializers.IntegerField(allow_null=True)
    max_cost = serializers.FloatField(allow_null=True, help_text="US dollars.")


def _count(widest: int) -> serializers.Field:
    return serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=widest, help_text="null: no limit."
    )


class LimitChange(shapes.Strict):
    period_days = serializers.IntegerField(required=False, min_value=1, max_value=LONGEST_DAYS)
    max_requests = _count(base.WIDEST)
    max_tokens = _count(2**63 - 1)
    max_cost = serializers.DecimalField(
        12, 4, required=False, allow_null=True, min_value=0, help_text="US dollars; null: no limit."
    )


class LimitBody(LimitChange):
    person = shapes.StrictText(max_length=254, required=False, help_text="The e-mail address.")
    role = shapes.StrictText(max_length=64, required=False, help_text="Instead of a person.")


def present(limit: UsageLimit) -> dict[str, Any]:
    """A limit as `LimitShape` documents it."""
    return {
        "id": limit.pk,
        "person": limit.user.email if limit.user else None,
        "role": limit.role.name if limit.role else None,
        "period_days": limit.period_days,
        "max_requests": limit.max_requests,
        "max_tokens": limit.max_tokens,
        "max_cost": None if limit.max_cost is None else plain(limit.max_cost),
    }


def _rows() -> QuerySet[UsageLimit]:
    return UsageLimit.objects.select_related("user", "role")


def _values(request: Request) -> dict[str, Any]:
    """What a new limit says, with the rows of whom it names."""
    values = base.checked(LimitBody, request)
    if ("person" in values) == ("role" in values):
        raise BadRequest("A limit is of one person or of one role.", field="person")
    if "role" in values:
        return values | {"role": base.named(Role.objects.all(), "role", values, key="name")}
    address = {"person": values.pop("person").lower()}
    return values | {"user": base.named(User.objects.all(), "person", address, key="email")}


class LimitsView(base.AdminView):
    """The usage limits, those of people first."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_limits",
        parameters=[
            *base.PAGING,
            OpenApiParameter("person", description="The e-mail address."),
            OpenApiParameter("role"),
        ],
        responses={200: base.page_of(LimitShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        wanted, found = base.filters(request, "person", "role"), _rows()
        if "person" in wanted:
            found = found.filter(user__email=wanted["person"].lower())
        if "role" in wanted:
            found = found.filter(role__name=wanted["role"])
        return base.page(request, found, present)

    @extend_schema(
        operation_id="admin_create_limit",
        request=LimitBody,
        responses={201: LimitShape, 409: shapes.Error, **base.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        by, who = base.administrator(request), base.who(request)
        limit = usage_limits.create(_values(request), by=by, who=who)
        return Response(present(limit), status=status.HTTP_201_CREATED)


class LimitView(base.AdminView):
    """One usage limit. It stays whose it is, and what was used of it counts on."""

    required_right = Right.MANAGE_USERS

    @extend_schema(operation_id="admin_limit", responses={200: LimitShape, **base.REFUSALS_OF_ONE})
    def get(self, request: Request, limit_id: int) -> Response:
        return Response(present(base.find(_rows(), pk=limit_id)))

    @extend_schema(
        operation_id="admin_change_limit",
        request=LimitChange,
        responses={200: LimitShape, **base.REFUSALS_OF_ONE},
    )
    def patch(self, request: Request, limit_id: int) -> Response:
        limit, values = base.find(_rows(), pk=limit_id), base.checked(LimitChange, request)
        by, who = base.administrator(request), base.who(request)
        return Response(present(usage_limits.change(limit, values, by=by, who=who)))

    @extend_schema(
        operation_id="admin_delete_limit",
        responses={200: LimitShape, 403: shapes.Error, 404: shapes.Error},
    )
    def delete(self, request: Request, limit_id: int) -> Response:
        """Lift the limit; the answer says what it was. What was used of it is forgotten."""
        limit = base.find(_rows(), pk=limit_id)
        usage_limits.delete(limit, by=base.administrator(request), who=base.who(request))
        return Response(present(limit))
