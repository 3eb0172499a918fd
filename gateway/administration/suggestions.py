"""What the policy could stop giving, over REST, and the policy.yaml of it. Nothing is changed."""

from datetime import timedelta

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from accounts.least_privilege.model import Kind
from accounts.least_privilege.proof import Found
from accounts.least_privilege.used import DEFAULT_DAYS, MOST_DAYS, suggestions_since
from gateway.administration import base

DAYS = OpenApiParameter(
    "days", int, description=f"How far to look back, at most {MOST_DAYS}; usually {DEFAULT_DAYS}."
)
IDS = OpenApiParameter("id", str, many=True, description="Only these; without, all of them.")


class SuggestionShape(serializers.Serializer):
    id = serializers.CharField(help_text="The same for the same change")
    kind = serializers.ChoiceField(choices=[one.value for one in Kind])
    who = serializers.CharField()
    server = serializers.CharField(help_text="Empty: all of them")
    patterns = serializers.ListField(child=serializers.CharField(), help_text="What is given now")
    given = serializers.IntegerField(help_text="So many tools; servers, of a reach")
    used = serializers.ListField(child=serializers.CharField())
    calls = serializers.IntegerField()
    last = serializers.DateTimeField(allow_null=True)
    since = serializers.DateTimeField()
    change = serializers.CharField()
    evidence = serializers.CharField()


class SuggestionsShape(serializers.Serializer):
    since = serializers.DateTimeField()
    whole = serializers.BooleanField(help_text="Whether the record reaches back so far")
    calls = serializers.IntegerField(help_text="What all of it rests on")
    remark = serializers.CharField(help_text="What the evidence lacks; empty: nothing")
    suggestions = SuggestionShape(many=True)
    draft = serializers.DictField(help_text="A policy.yaml that follows all of them")


class SuggestionsView(base.AdminView):
    """What was given and not used: for whoever may read the record, which it rests on."""

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(
        operation_id="admin_policy_suggestions",
        parameters=[DAYS],
        responses={200: SuggestionsShape, **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        base.filters(request, "days")
        return Response(_found(request).as_json())


class DraftView(base.AdminView):
    """The same as a policy.yaml, for `import_policy FILE --dry-run`."""

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(
        operation_id="admin_policy_suggestions_draft",
        parameters=[DAYS, IDS],
        responses={(200, "application/yaml"): OpenApiTypes.STR, **base.REFUSALS_OF_ONE},
    )
    def get(self, request: Request) -> HttpResponse:
        base.filters(request, "days", "id")
        text = _found(request).draft_of(request.query_params.getlist("id"))
        response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="policy.yaml"'
        return response


def _found(request: Request) -> Found:
    days = base.number(request, "days", DEFAULT_DAYS, most=MOST_DAYS)
    return suggestions_since(timezone.now() - timedelta(days=days))
