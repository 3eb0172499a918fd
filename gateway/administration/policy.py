"""The policy over REST: its versions, what each changed and for whom, and the way back."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import versions
from accounts.authority import Right
from accounts.effects import Change
from accounts.models import PolicyVersion
from audit.numerals import is_digits
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.errors import BadRequest


class ChangeShape(serializers.Serializer):
    who = serializers.CharField()
    server = serializers.CharField()
    before = serializers.ChoiceField(["allow", "deny", "ask"])
    after = serializers.ChoiceField(["allow", "deny", "ask"])
    rule = serializers.CharField()
    tools = serializers.ListField(child=serializers.CharField())
    text = serializers.CharField()


class BriefShape(serializers.Serializer):
    id = serializers.IntegerField()
    digest = serializers.CharField()
    author = serializers.CharField()
    created_at = serializers.DateTimeField()
    note = serializers.CharField()
    difference = serializers.ListField(child=serializers.CharField())
    in_force = serializers.BooleanField()


class VersionShape(BriefShape):
    effect = ChangeShape(many=True, allow_null=True, help_text="null: not known")
    document = serializers.DictField()


class ComparisonShape(serializers.Serializer):
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    difference = serializers.ListField(child=serializers.CharField())
    effect = ChangeShape(many=True)


def _effect(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [change.as_json() | {"text": str(change)} for change in changes]


def _brief(version: PolicyVersion, *, in_force: int) -> dict[str, Any]:
    return {
        "id": version.pk,
        "digest": version.digest,
        "author": version.author,
        "created_at": version.created_at,
        "note": version.note,
        "difference": version.difference.splitlines(),
        "in_force": version.pk == in_force,
    }


def present(version: PolicyVersion) -> dict[str, Any]:
    """A version as `VersionShape` documents it."""
    known = version.effect is not None
    return {
        **_brief(version, in_force=_in_force()),
        "effect": _effect(versions.effect_of(version)) if known else None,
        "document": version.document,
    }


def _in_force() -> int:
    newest = versions.newest()
    return newest.pk if newest else 0


class VersionsView(base.AdminView):
    """The versions of the policy, newest first."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_policy_versions",
        parameters=[*base.PAGING, OpenApiParameter("author")],
        responses={200: base.page_of(BriefShape), 403: shapes.Error},
    )
    def get(self, request: Request) -> Response:
        found = PolicyVersion.objects.defer("document", "effect").order_by("-id")
        for author in base.filters(request, "author").values():
            found = found.filter(author=author)
        newest = _in_force()
        return base.page(request, found, lambda one: _brief(one, in_force=newest))


class VersionView(base.AdminView):
    """One version, whole: its document, and what it changed."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_policy_version",
        responses={200: VersionShape, 403: shapes.Error, 404: shapes.Error},
    )
    def get(self, request: Request, version_id: int) -> Response:
        return Response(present(base.find(PolicyVersion.objects.all(), pk=version_id)))


class CompareView(base.AdminView):
    """What one version says otherwise than another, and what that gives and takes today."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_policy_compare",
        parameters=[
            OpenApiParameter("before", int, required=True),
            OpenApiParameter("after", int, description="Without it, the version in force."),
        ],
        responses={200: ComparisonShape, 409: shapes.Error, **base.REFUSALS_OF_ONE},
    )
    def get(self, request: Request) -> Response:
        wanted = base.filters(request, "before", "after")
        before = _version(wanted.get("before", ""), "before")
        after = _version(wanted.get("after", str(_in_force())), "after")
        found = versions.compare(before, after)
        return Response(
            {
                "before": before.pk,
                "after": after.pk,
                "difference": list(found.rules),
                "effect": _effect(found.effect),
            }
        )


def _version(text: str, field: str) -> Any:
    if not is_digits(text, 11):
        raise BadRequest("This is the number of a version.", field=field)
    return base.find(PolicyVersion.objects.all(), pk=int(text))


class RollbackView(base.AdminView):
    """Make the policy say what an earlier version says: for super admins."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_policy_rollback",
        request=None,
        responses={200: VersionShape, 403: shapes.Error, 404: shapes.Error, 409: shapes.Error},
    )
    def post(self, request: Request, version_id: int) -> Response:
        versions.require_roll_back(base.administrator(request))
        version = base.find(PolicyVersion.objects.all(), pk=version_id)
        return Response(present(versions.roll_back(version, who=base.who(request))))
