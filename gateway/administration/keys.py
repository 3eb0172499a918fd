"""API keys of others over REST: listed, issued (shown once), revoked."""

from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authority, issuing
from accounts.authority import Right
from accounts.errors import Conflict
from accounts.models import ApiKey, User
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.errors import BadRequest

_PLAIN = ("id", "name", "prefix", "scopes", "servers")
_DATES = ("created_at", "expires_at", "revoked_at", "last_used_at")
_STATES = {
    "revoked": Q(revoked_at__isnull=False),
    "expired": Q(revoked_at=None) & Q(expires_at__lte=Now()),
    "usable": Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=Now())),
}


class KeyShape(serializers.Serializer):
    id = serializers.IntegerField()
    person = serializers.EmailField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    servers = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class NewKeyShape(KeyShape):
    key = serializers.CharField(help_text="The whole key. Shown only here.")


class KeyBody(shapes.Strict):
    name = shapes.StrictText(max_length=128)
    scopes = serializers.ListField(child=shapes.StrictText(max_length=16), required=False)
    servers = serializers.ListField(
        child=shapes.StrictText(max_length=64), required=False, help_text="Empty: all they reach."
    )
    days = serializers.IntegerField(
        required=False, min_value=0, max_value=36_500, help_text="0: for ever, where that may be."
    )


def present(key: ApiKey) -> dict[str, Any]:
    """A key as `KeyShape` documents it."""
    shown = {name: getattr(key, name) for name in (*_PLAIN, *_DATES)}
    return {**shown, "person": key.user.email}


def _rows() -> QuerySet[ApiKey]:
    return ApiKey.objects.select_related("user").order_by("user__email", "name", "pk")


class KeysView(base.AdminView):
    """Everybody's API keys."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_keys",
        parameters=[
            *base.PAGING,
            OpenApiParameter("person", description="The e-mail address."),
            OpenApiParameter("state", enum=list(_STATES)),
        ],
        responses={200: base.page_of(KeyShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        wanted, found = base.filters(request, "person", "state"), _rows()
        if "person" in wanted:
            found = found.filter(user__email=wanted["person"].lower())
        if "state" in wanted:
            if wanted["state"] not in _STATES:
                raise BadRequest(f"This is one of: {', '.join(_STATES)}.", field="state")
            found = found.filter(_STATES[wanted["state"]])
        return base.page(request, found, present)


class IssueKeyView(base.AdminView):
    """Issue a key to somebody else; within what the key that asks for it has."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_issue_key",
        request=KeyBody,
        responses={201: NewKeyShape, 409: shapes.Error, **base.REFUSALS_OF_ONE},
    )
    def post(self, request: Request, person_id: int) -> Response:
        person = base.find(User.objects.select_related("role"), pk=person_id)
        # One's own are made at /api/keys.
        authority.require_over(base.administrator(request), person)
        if not person.may_act():
            raise Conflict(f"{person.email} may not act, so a key of theirs would not either.")
        wanted = issuing.Wanted(**base.checked(KeyBody, request))
        through = request.auth if isinstance(request.auth, ApiKey) else None
        key, text = issuing.issue(person, wanted, who=base.who(request), through=through)
        return base.shown_once({**present(key), "key": text})


class RevokeKeyView(base.AdminView):
    """Stop a key at once and for good. Twice is as once."""

    required_right = Right.MANAGE_USERS

    @extend_schema(
        operation_id="admin_revoke_key",
        request=None,
        responses={200: KeyShape, 403: shapes.Error, 404: shapes.Error},
    )
    def post(self, request: Request, key_id: int) -> Response:
        key = base.find(_rows(), pk=key_id)
        by = base.administrator(request)
        if key.user != by:
            authority.require_over(by, key.user)
        issuing.revoke(key, who=base.who(request))
        return Response(present(base.find(_rows(), pk=key_id)))
