"""Roles over REST."""

from collections.abc import Callable
from typing import Any

from django.db.models import Count, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authority, roles
from accounts.authority import Right
from accounts.models import Role
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.administration.published import Before, PublishedShape

_PLAIN = (
    *("name", "display_name", "description", "color"),
    *authority.FLAGS,
    *("allowed_mcp_tools", "allowed_tool_patterns", "denied_tools"),
    *("requests_per_hour", "concurrent_requests"),
)


def _of_flags(make: Callable[[], serializers.Field]) -> dict[str, Any]:
    return {flag: make() for flag in authority.FLAGS}


class _RoleShape(serializers.Serializer):
    name = serializers.CharField()
    display_name = serializers.CharField()
    description = serializers.CharField()
    color = serializers.CharField()
    allowed_mcp_tools = serializers.JSONField()
    allowed_tool_patterns = serializers.JSONField()
    denied_tools = serializers.JSONField()
    requests_per_hour = serializers.IntegerField(help_text="0 means no limit.")
    concurrent_requests = serializers.IntegerField(help_text="0 means no limit.")
    on = serializers.BooleanField(help_text="False: switched off.")
    people = serializers.IntegerField(help_text="Whose own role it is.")


RoleShape: Any = type("RoleShape", (_RoleShape,), _of_flags(serializers.BooleanField))


class RoleResultShape(serializers.Serializer):
    role = RoleShape()
    policy = PublishedShape()


def _text(longest: int) -> serializers.Field:
    return shapes.StrictText(max_length=longest, required=False, allow_blank=True)


def _count() -> serializers.Field:
    return serializers.IntegerField(required=False, min_value=0, max_value=base.WIDEST)


class _Change(shapes.Strict):
    display_name = _text(128)
    description = _text(10_000)
    color = _text(32)
    allowed_mcp_tools = shapes.StrictJson(required=False, help_text="Server → list of patterns.")
    allowed_tool_patterns = shapes.StrictJson(required=False, help_text="A list of patterns.")
    denied_tools = shapes.StrictJson(required=False, help_text="A list of patterns.")
    requests_per_hour = _count()
    concurrent_requests = _count()


_FLAGS = _of_flags(lambda: serializers.BooleanField(required=False))
RoleChange: Any = type("RoleChange", (_Change,), _FLAGS)
RoleBody: Any = type("RoleBody", (RoleChange,), {"name": shapes.StrictText(max_length=64)})


def rows() -> QuerySet[Role]:
    """The roles with the number of people who have each."""
    return Role.objects.annotate(people=Count("user")).order_by("name")


def present(role: Any) -> dict[str, Any]:
    """A role as `RoleShape` documents it."""
    shown = {name: getattr(role, name) for name in _PLAIN}
    return {**shown, "on": not role.is_off, "people": role.people}


class RolesView(base.AdminView):
    """The roles; a new one is in force at once."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_roles",
        parameters=base.PAGING,
        responses={200: base.page_of(RoleShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        base.filters(request)
        return base.page(request, rows(), present)

    @extend_schema(
        operation_id="admin_create_role",
        request=RoleBody,
        responses={201: RoleResultShape, **base.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        values, before = base.checked(RoleBody, request), Before()
        by, who = base.administrator(request), base.who(request)
        role, version = roles.create(values, by=by, who=who)
        return Response(_result(role, before.present(version)), status=status.HTTP_201_CREATED)


class RoleView(base.AdminView):
    """One role. Rules name it, so it keeps its name."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(operation_id="admin_role", responses={200: RoleShape, **base.REFUSALS_OF_ONE})
    def get(self, request: Request, name: str) -> Response:
        return Response(present(base.find(rows(), name=name)))

    @extend_schema(
        operation_id="admin_change_role",
        request=RoleChange,
        responses={200: RoleResultShape, **base.REFUSALS_OF_ONE},
    )
    def patch(self, request: Request, name: str) -> Response:
        role = base.find(Role.objects.all(), name=name)
        values, before = base.checked(RoleChange, request), Before()
        by, who = base.administrator(request), base.who(request)
        role, version = roles.change(role, values, by=by, who=who)
        return Response(_result(role, before.present(version)))

    @extend_schema(
        operation_id="admin_delete_role",
        responses={200: PublishedShape, 409: shapes.Error, **base.REFUSALS_OF_ONE},
    )
    def delete(self, request: Request, name: str) -> Response:
        """Delete the role, unless anybody has it."""
        role, before = base.find(Role.objects.all(), name=name), Before()
        by, who = base.administrator(request), base.who(request)
        return Response(before.present(roles.delete(role, by=by, who=who)))


def _result(role: Role, published: dict[str, Any]) -> dict[str, Any]:
    return {"role": present(base.find(rows(), pk=role.pk)), "policy": published}
