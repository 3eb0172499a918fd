"""REST: who am I here, and what may I do."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authority
from accounts.authority import Right
from accounts.models import ApiKey, User
from gateway.api import View, asker_of

RIGHTS = [right.value for right in Right]


class OwnKeyShape(serializers.Serializer):
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    servers = serializers.ListField(child=serializers.CharField(), help_text="Empty: all reached.")
    expires_at = serializers.DateTimeField(allow_null=True)


class MeShape(serializers.Serializer):
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.CharField(allow_null=True, help_text="Their own; null: their teams' count.")
    roles = serializers.ListField(child=serializers.CharField(), help_text="Those that count.")
    teams = serializers.ListField(child=serializers.CharField())
    super_admin = serializers.BooleanField()
    key = OwnKeyShape(allow_null=True, help_text="null: this is a session.")
    rights = serializers.ListField(
        child=serializers.ChoiceField(RIGHTS), help_text="What these credentials may administer."
    )


class MeView(View):
    """Who these credentials are, and what they may do here. Tools: `/api/mcp/tools/list`."""

    required_scope = tuple(ApiKey.Scope)

    @extend_schema(operation_id="me", responses={200: MeShape})
    def get(self, request: Request) -> Response:
        user = asker_of(request).user
        key = request.auth if isinstance(request.auth, ApiKey) else None
        return Response(
            {
                "email": user.email,
                "name": user.name,
                "role": user.role.name if user.role else None,
                "roles": [role.name for role in user.roles()],
                "teams": list(user.teams.order_by("key").values_list("key", flat=True)),
                "super_admin": user.is_superuser,
                "key": _present(key) if key else None,
                "rights": _rights(user, key),
            }
        )


def _present(key: ApiKey) -> dict[str, Any]:
    names = ("name", "prefix", "scopes", "servers", "expires_at")
    return {name: getattr(key, name) for name in names}


def _rights(user: User, key: ApiKey | None) -> list[str]:
    if key is not None and ApiKey.Scope.ADMIN not in key.scopes:
        return []
    return [right.value for right in Right if authority.has(user, right)]
