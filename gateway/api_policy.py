"""REST: why a call is, or would be, allowed or not."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import access, authority
from accounts.auth import OutOfScope
from accounts.models import ApiKey
from accounts.policy import Subject
from gateway import api_shapes as shapes
from gateway import explain
from gateway.api import View, asker_of
from gateway.errors import BadRequest

_PARAMETERS = ("person", "role", "server", "tool", "arguments")


class StepShape(serializers.Serializer):
    layer = serializers.CharField()
    verdict = serializers.CharField()
    rule = serializers.CharField()
    reason = serializers.CharField()
    fix = serializers.CharField()


class ExplanationShape(shapes.Refusal):
    person = serializers.CharField(required=False)
    role = serializers.CharField(required=False)
    server = serializers.CharField()
    tool = serializers.CharField()
    effect = serializers.ChoiceField(choices=["allow", "deny", "ask"])
    bypassed = serializers.ListField(child=serializers.CharField())
    policy_version = serializers.CharField()
    trace = StepShape(many=True)


class ExplainView(View):
    """Why a tool is open to somebody or not, layer by layer. Nothing is called.

    About oneself for everybody. About other people, and about a role (somebody who has it and
    reaches every server), for whoever may read the record or manage people.
    """

    required_scope = (ApiKey.Scope.READ, ApiKey.Scope.TOOLS)

    @extend_schema(
        operation_id="explain",
        parameters=[
            OpenApiParameter("server", str, required=True),
            OpenApiParameter("tool", str, required=True),
            OpenApiParameter("arguments", str, description="JSON; without, whether it is shown."),
            OpenApiParameter("person", str, description="An e-mail address; without, oneself."),
            OpenApiParameter("role", str, description="A role's name, instead of a person."),
        ],
        responses={
            200: ExplanationShape,
            400: shapes.Error,
            403: shapes.Error,
            404: shapes.Error,
        },
    )
    def get(self, request: Request) -> Response:
        wanted = _parameters(request)
        arguments = explain.read_arguments(wanted.get("arguments"))
        subject = _subject(request, wanted)
        tool = explain.find_tool(wanted["server"], wanted["tool"])
        return Response(explain.explain(subject, tool, arguments).as_json())


def _parameters(request: Request) -> dict[str, str]:
    for name in request.query_params:
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise BadRequest(f"There is no such parameter; there are: {known}.", field=name[:100])
    for name in ("server", "tool"):
        if not request.query_params.get(name):
            raise BadRequest("This is needed.", field=name)
    return request.query_params.dict()


def _subject(request: Request, wanted: dict[str, str]) -> Subject:
    asker = asker_of(request)
    email = wanted.get("person", asker.user.email)
    if "role" not in wanted and email.lower() == asker.user.email:
        return asker.subject()
    if isinstance(request.auth, ApiKey) and ApiKey.Scope.ADMIN not in request.auth.scopes:
        raise OutOfScope("About others only with a key of the scope admin.")
    authority.require_any(asker.user, *authority.SEES_OTHERS)
    if "role" in wanted and "person" in wanted:
        raise BadRequest("Either a person or a role.", field="role")
    if "role" in wanted:
        return explain.somebody_of(explain.find_role(wanted["role"]))
    return access.subject_of(explain.find_person(email))
