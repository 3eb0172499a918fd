"""REST: one's own API keys."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import issuing
from accounts.models import ApiKey
from gateway import api_shapes as shapes
from gateway.api import View, asker_of
from gateway.errors import NotFound


class KeyWish(shapes.Strict):
    name = shapes.StrictText(max_length=128)
    scopes = serializers.ListField(child=shapes.StrictText(max_length=16), required=False)
    servers = serializers.ListField(child=shapes.StrictText(max_length=64), required=False)
    days = serializers.IntegerField(required=False, min_value=0, max_value=36_500)


class Key(serializers.Serializer):
    prefix = serializers.CharField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    servers = serializers.ListField(child=serializers.CharField())
    usable = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class NewKey(Key):
    key = serializers.CharField(help_text="The whole key. It is shown this once.")


def present(key: ApiKey) -> dict[str, Any]:
    """A key as `Key` documents it."""
    names = ("prefix", "name", "scopes", "servers", "created_at")
    dates = ("expires_at", "revoked_at", "last_used_at")
    return {name: getattr(key, name) for name in names + dates} | {"usable": key.usable()}


class KeysView(View):
    """One's own keys. To a key this is open with the scope `admin` alone."""

    required_scope = ApiKey.Scope.ADMIN

    @extend_schema(operation_id="keys", responses={200: Key(many=True)})
    def get(self, request: Request) -> Response:
        person = asker_of(request).user
        return Response([present(key) for key in person.api_keys.order_by("-pk")])

    @extend_schema(
        operation_id="issue_key",
        request=KeyWish,
        responses={201: NewKey, 400: shapes.Error, 403: shapes.Error, 409: shapes.Error},
    )
    def post(self, request: Request) -> Response:
        body = KeyWish(data=request.data)
        body.is_valid(raise_exception=True)
        asker = asker_of(request)
        through = request.auth if isinstance(request.auth, ApiKey) else None
        wanted = issuing.Wanted(**body.validated_data)
        key, text = issuing.issue(asker.user, wanted, who=asker.who, through=through)
        response = Response(present(key) | {"key": text}, status=status.HTTP_201_CREATED)
        response["Cache-Control"] = "no-store"
        return response


class KeyView(View):
    """One key of one's own."""

    required_scope = ApiKey.Scope.ADMIN

    @extend_schema(operation_id="revoke_key", responses={204: None, 404: shapes.Error})
    def delete(self, request: Request, prefix: str) -> Response:
        asker = asker_of(request)
        key = asker.user.api_keys.filter(prefix=prefix[:16]).first()
        if key is None:
            raise NotFound("You have no such key.")
        issuing.revoke(key, who=asker.who)
        return Response(status=status.HTTP_204_NO_CONTENT)
