"""How others stand with their limits, over REST."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from gateway import api_shapes as shapes
from gateway import usage
from gateway.administration import base
from gateway.errors import BadRequest


class PersonUsageShape(shapes.UsageOfLimits):
    name = serializers.CharField()
    role = serializers.CharField(allow_null=True, help_text="Their own; null: their teams' count.")


class UsageView(base.SeesOthers):
    """What people have used of which limit, what is held, and when that is over."""

    @extend_schema(
        operation_id="admin_usage",
        parameters=[
            *base.PAGING,
            OpenApiParameter("person", description="The e-mail address."),
            OpenApiParameter("role", description="Of whom this role counts."),
            OpenApiParameter("search", description="Part of the address or the name."),
            OpenApiParameter("near", bool, description="Who has used 80 % of a budget, or more."),
        ],
        responses={200: base.page_of(PersonUsageShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        wanted: dict[str, Any] = base.filters(request, "person", "role", "search", "near")
        if wanted.get("near", "true") not in ("true", "false"):
            raise BadRequest("This is true or false.", field="near")
        wanted["near"] = wanted.get("near") == "true"
        found, (limit, offset) = usage.people(usage.Wanted(**wanted)), base.bounds(request)
        people = list(found[offset : offset + limit])
        limits = usage.of(people)
        items = [_present(person, limits[person.pk]) for person in people]
        return Response({"total": found.count(), "limit": limit, "offset": offset, "items": items})


def _present(person: User, limits: usage.Limits) -> dict[str, Any]:
    role = person.role.name if person.role else None
    return {"person": person.email, "name": person.name, "role": role, "limits": limits}
