"""Rules of the policy over REST. What makes no policy is refused, with what is wrong where."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import rules
from accounts.authority import Right
from accounts.models import Rule
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.administration.published import Before, PublishedShape


class RuleShape(serializers.Serializer):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(Rule.Kind.choices)
    server = serializers.CharField()
    role = serializers.CharField()
    name = serializers.CharField()
    mode = serializers.CharField()
    patterns = serializers.JSONField()
    condition = serializers.JSONField()
    position = serializers.IntegerField()


class RuleResultShape(serializers.Serializer):
    rule = RuleShape()
    policy = PublishedShape()


class RuleChange(shapes.Strict):
    server = shapes.StrictText(max_length=64, required=False, allow_blank=True)
    role = shapes.StrictText(max_length=64, required=False, allow_blank=True)
    name = shapes.StrictText(max_length=64, required=False, allow_blank=True)
    mode = shapes.StrictText(max_length=32, required=False, allow_blank=True)
    patterns = shapes.StrictJson(required=False, help_text="A list of patterns.")
    condition = shapes.StrictJson(required=False, help_text="A map; see docs/policy.md.")
    position = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)


class RuleBody(RuleChange):
    kind = serializers.ChoiceField(Rule.Kind.choices)


def present(rule: Rule) -> dict[str, Any]:
    """A rule as `RuleShape` documents it."""
    return {name: getattr(rule, name) for name in ("id", *rules.TOLD)}


class RulesView(base.AdminView):
    """The rules, in the order of their kinds and places; a new one is in force at once."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_rules",
        parameters=[
            *base.PAGING,
            OpenApiParameter("kind", enum=Rule.Kind.values),
            OpenApiParameter("server"),
            OpenApiParameter("role"),
        ],
        responses={200: base.page_of(RuleShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        wanted = base.filters(request, "kind", "server", "role")
        if "kind" in wanted:
            base.one_of(wanted["kind"], Rule.Kind, "kind")
        return base.page(request, Rule.objects.filter(**wanted), present)

    @extend_schema(
        operation_id="admin_create_rule",
        request=RuleBody,
        responses={201: RuleResultShape, **base.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        values, before = base.checked(RuleBody, request), Before()
        by, who = base.administrator(request), base.who(request)
        rule, version = rules.create(values, by=by, who=who)
        said = {"rule": present(rule), "policy": before.present(version)}
        return Response(said, status=status.HTTP_201_CREATED)


class RuleView(base.AdminView):
    """One rule. It keeps its kind."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(operation_id="admin_rule", responses={200: RuleShape, **base.REFUSALS_OF_ONE})
    def get(self, request: Request, rule_id: int) -> Response:
        return Response(present(base.find(Rule.objects.all(), pk=rule_id)))

    @extend_schema(
        operation_id="admin_change_rule",
        request=RuleChange,
        responses={200: RuleResultShape, **base.REFUSALS_OF_ONE},
    )
    def patch(self, request: Request, rule_id: int) -> Response:
        rule = base.find(Rule.objects.all(), pk=rule_id)
        values, before = base.checked(RuleChange, request), Before()
        by, who = base.administrator(request), base.who(request)
        rule, version = rules.change(rule, values, by=by, who=who)
        return Response({"rule": present(rule), "policy": before.present(version)})

    @extend_schema(
        operation_id="admin_delete_rule",
        responses={200: PublishedShape, 409: shapes.Error, **base.REFUSALS_OF_ONE},
    )
    def delete(self, request: Request, rule_id: int) -> Response:
        """Delete the rule, unless the rest would make no policy without it."""
        rule, before = base.find(Rule.objects.all(), pk=rule_id), Before()
        by, who = base.administrator(request), base.who(request)
        return Response(before.present(rules.delete(rule, by=by, who=who)))
