"""A recorded question once more, over REST: for who may read the record, and may ask."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.api import asker_of
from gateway.replay import running
from gateway.replay.running import RECORDED, Wish


class ReplayWish(shapes.Strict):
    """What is tried; each field left out is as it was recorded."""

    model = shapes.StrictText(
        default=RECORDED,
        max_length=128,
        help_text="A model of the deployment's provider, or offline.",
    )
    prompt = shapes.StrictText(
        default="",
        allow_blank=True,
        max_length=100_000,
        help_text="The rules that the model is told, in place of ours.",
    )
    policy_version = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=base.WIDEST
    )
    tools_now = serializers.BooleanField(
        default=False, help_text="Hold the calls against the tools as they are registered now."
    )


class ReplayAnswer(serializers.Serializer):
    same = serializers.BooleanField()
    recorded = serializers.CharField()
    replayed = serializers.CharField()
    difference = serializers.ListField(child=serializers.CharField(), help_text="Line by line.")


class ReplayCall(serializers.Serializer):
    status = serializers.CharField(help_text="same, changed, new or missing.")
    tool = serializers.CharField(help_text="By the name that the model sees.")
    recorded = serializers.DictField(allow_null=True, help_text="The arguments then.")
    replayed = serializers.DictField(allow_null=True, help_text="The arguments now.")
    outcome = serializers.CharField(
        help_text="recorded, repeated, not_recorded, refused, bad_arguments, unknown_tool, page."
    )
    rule = serializers.CharField(help_text="By which layer and rule it is refused.")


class ReplaySide(serializers.Serializer):
    state = serializers.CharField()
    warning = serializers.CharField(allow_null=True)
    error_code = serializers.CharField(allow_null=True)
    model = serializers.CharField()
    turns = serializers.IntegerField()
    calls = serializers.IntegerField()
    refusals = serializers.IntegerField()
    tokens = shapes.Tokens()
    cost_usd = serializers.CharField(allow_null=True)
    milliseconds = serializers.IntegerField(help_text="Of the model alone.")


class ReplayShape(serializers.Serializer):
    question = serializers.UUIDField()
    terms = serializers.DictField(child=serializers.CharField())
    same = serializers.BooleanField(help_text="Answer, calls, and what became of the calls.")
    answer = ReplayAnswer()
    calls = ReplayCall(many=True)
    counts = serializers.DictField(child=serializers.IntegerField())
    recorded = ReplaySide()
    replayed = ReplaySide()


class ReplayView(base.AdminView):
    """Run a question that has ended again against its recorded results, and compare.

    Nothing is called. A model that costs is charged to whoever replays; it is on the record.
    """

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(
        operation_id="audit_replay",
        request=ReplayWish,
        responses={
            200: ReplayShape,
            **base.REFUSALS_OF_ONE,
            409: shapes.Error,
            429: shapes.LimitError,
        },
    )
    def post(self, request: Request, question_id: UUID) -> Response:
        body = ReplayWish(data=request.data)
        body.is_valid(raise_exception=True)
        question = running.find(question_id)
        wish = _wish(request, body.validated_data)
        found = running.replay(question, wish)
        said = {"question": str(question.pk), "terms": running.terms_of(wish)}
        return Response(said | found.as_json())


def _wish(request: Request, said: dict[str, Any]) -> Wish:
    number = said["policy_version"]
    return Wish(
        asker=asker_of(request),
        model=said["model"],
        rules=said["prompt"],
        policy=None if number is None else running.version_named(number),
        policy_name=RECORDED if number is None else f"version {number}",
        tools_now=said["tools_now"],
    )
