"""The REST door. Every view: who is this (DRF) → one verb → JSON."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.cache import patch_cache_control
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth import RequiresScope, who_of
from accounts.models import ApiKey, User
from accounts.policy import Decision
from gateway import api_shapes as shapes
from gateway import ask, calls, errors, present, toolbox, usage
from gateway.asker import Asker
from gateway.models import Call, Door


def asker_of(request: Request) -> Asker:
    """Who asks: from the credential alone, never from anything the body or a header claims."""
    assert isinstance(request.user, User), "permissions let nobody else in"
    key = request.auth if isinstance(request.auth, ApiKey) else None
    only = frozenset(key.servers) if key is not None and key.servers else None
    door = Door.REST if key is not None else Door.WEB
    return Asker(request.user, who_of(request, door), only)


def door_of(asker: Asker) -> Door:
    return Door(asker.who.door)


class View(APIView):
    """A view of the API; `required_scope` is what an API key must carry."""

    permission_classes = [*APIView.permission_classes, RequiresScope]
    required_scope: str | tuple[str, ...] = ApiKey.Scope.QUERY

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """What is for one person is kept by no cache on the way."""
        done = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(done, private=True, no_store=True)
        return done


class QueryView(View):
    """Ask a question."""

    @extend_schema(
        operation_id="ask",
        request=shapes.Ask,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        responses={
            200: shapes.Question,
            202: shapes.Accepted,
            400: shapes.Error,
            429: shapes.LimitError,
        },
    )
    def post(self, request: Request) -> Response:
        body = shapes.Ask(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        asker = asker_of(request)
        question = ask.ask(
            wanted["question"],
            asker=asker,
            door=door_of(asker),
            conversation=wanted.get("conversation"),
            idempotency_key=_idempotency_key(request),
        )
        if wanted["wait"]:
            question = ask.wait(question.pk, settings.QUESTION_TIMEOUT + 5)
        if question.finished:
            return Response(present.question(question))
        return Response(present.brief(question), status=status.HTTP_202_ACCEPTED)


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > 255 or not key.isprintable():
        raise errors.BadRequest(
            "An Idempotency-Key has at most 255 printable characters.", field="Idempotency-Key"
        )
    return key


class QuestionView(View):
    """One question of one's own."""

    @extend_schema(operation_id="question", responses={200: shapes.Question, 404: shapes.Error})
    def get(self, request: Request, question_id: UUID) -> Response:
        return Response(present.question(ask.find(question_id, asker=asker_of(request))))


class CancelView(View):
    """Stop a question of one's own."""

    @extend_schema(
        operation_id="cancel", request=None, responses={200: shapes.Question, 404: shapes.Error}
    )
    def post(self, request: Request, question_id: UUID) -> Response:
        asker = asker_of(request)
        question = ask.cancel(ask.find(question_id, asker=asker), who=asker.who)
        return Response(present.question(question))


class UsageView(View):
    """What one has used of which limit, and when that is over."""

    required_scope = ApiKey.Scope.READ

    @extend_schema(operation_id="usage", responses={200: shapes.UsageOfLimits})
    def get(self, request: Request) -> Response:
        user = asker_of(request).user
        return Response({"person": user.email, "limits": usage.of([user])[user.pk]})


class ToolsView(View):
    """The tools this person may use, and no others."""

    required_scope = ApiKey.Scope.TOOLS

    @extend_schema(
        operation_id="list_tools",
        parameters=[
            OpenApiParameter("server", str, description="Only this server's tools."),
            OpenApiParameter(
                "withheld", bool, description="Also those that are not offered, and why."
            ),
        ],
        responses={200: shapes.ToolList},
    )
    def get(self, request: Request) -> Response:
        box = toolbox.open_for(asker_of(request), server=request.query_params.get("server", ""))
        listed: dict[str, Any] = {
            "policy_version": box.policy_version,
            "tools": [
                {
                    "server": spec.server,
                    "tool": spec.tool,
                    "name": spec.name,
                    "description": spec.description,
                    "input_schema": spec.input_schema,
                    "read_only": spec.read_only,
                    "read_only_by": spec.read_only_by,
                }
                for spec in box.offered
            ],
        }
        if request.query_params.get("withheld") in ("true", "1"):
            listed["withheld"] = [_withheld(one.tool, one.decision) for one in box.withheld]
        return Response(listed)


def _withheld(tool: Any, decision: Decision) -> dict[str, Any]:
    return {"server": tool.server.name, "tool": tool.name} | errors.refusal(decision.summary())


class CallView(View):
    """Call one tool, through the same door as the model's calls."""

    required_scope = ApiKey.Scope.TOOLS

    @extend_schema(
        operation_id="call_tool",
        request=shapes.ToolCall,
        responses={
            200: shapes.ToolResult,
            403: shapes.Error,
            404: shapes.Error,
            409: shapes.Error,
            429: shapes.LimitError,
            502: shapes.Error,
        },
    )
    def post(self, request: Request) -> Response:
        body = shapes.ToolCall(data=request.data)
        body.is_valid(raise_exception=True)
        asker = asker_of(request)
        if not asker.user.may_act():
            raise errors.NotAllowed("This account may not call tools.")
        row = calls.call(calls.Wish(asker=asker, door=door_of(asker), **body.validated_data))
        return Response(result_of(row))


def result_of(row: Call) -> dict[str, Any]:
    """A call with all that came back, for the person it was made for."""
    return present.call(row) | {"text": row.text, "is_error": row.state == Call.State.FAILED}
