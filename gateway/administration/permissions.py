"""What a person may call, over REST: every registered tool with its effect and the rule."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import access
from accounts.authority import Right
from accounts.models import User
from accounts.policy import Effect
from gateway import explain, permissions
from gateway.administration import base
from gateway.errors import BadRequest

EFFECTS = [effect.value for effect in Effect]


class PermissionShape(serializers.Serializer):
    server = serializers.CharField()
    tool = serializers.CharField()
    effect = serializers.ChoiceField(EFFECTS)
    layer = serializers.CharField()
    rule = serializers.CharField()
    reason = serializers.CharField()
    fix = serializers.CharField()


class ServerCountShape(serializers.Serializer):
    server = serializers.CharField()
    allow = serializers.IntegerField()
    ask = serializers.IntegerField()
    deny = serializers.IntegerField()


class PermissionsShape(serializers.Serializer):
    person = serializers.EmailField()
    role = serializers.CharField(allow_null=True)
    status = serializers.CharField(help_text="Anything but active may call nothing.")
    policy_version = serializers.CharField()
    servers = ServerCountShape(many=True)
    total = serializers.IntegerField()
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
    items = PermissionShape(many=True)


class PermissionsView(base.AdminView):
    """What the person may call now, by the same function as a call; arguments not yet known."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_permissions",
        parameters=[
            *base.PAGING,
            OpenApiParameter("server", description="Only this server's tools."),
            OpenApiParameter("effect", enum=EFFECTS),
        ],
        responses={200: PermissionsShape, **base.REFUSALS_OF_ONE},
    )
    def get(self, request: Request, person_id: int) -> Response:
        person = base.find(User.objects.select_related("role"), pk=person_id)
        wanted = base.filters(request, "server", "effect")
        if "server" in wanted:
            explain.find_server(wanted["server"])
        every = permissions.of(access.subject_of(person), server=wanted.get("server", ""))
        chosen = every
        if "effect" in wanted:
            chosen = every.only(_effect(wanted["effect"]))
        limit, offset = base.bounds(request)
        return Response(
            {
                "person": person.email,
                "role": every.subject.role,
                "status": every.subject.status,
                "policy_version": every.policy_version,
                "servers": _counted(every),
                "total": len(chosen.tools),
                "limit": limit,
                "offset": offset,
                "items": [_present(one) for one in chosen.page(offset, limit)],
            }
        )


def _effect(text: str) -> Effect:
    if text not in EFFECTS:
        raise BadRequest(f"This is one of: {', '.join(EFFECTS)}.", field="effect")
    return Effect(text)


def _counted(every: permissions.Permissions) -> list[dict[str, Any]]:
    return [
        {"server": server, **{effect.value: counts[effect] for effect in Effect}}
        for server, counts in every.by_server().items()
    ]


def _present(one: permissions.Permission) -> dict[str, Any]:
    said = one.decision.summary()
    shown = {name: said[name] for name in ("effect", "layer", "rule", "reason", "fix")}
    return {"server": one.tool.server.name, "tool": one.tool.name, **shown}
