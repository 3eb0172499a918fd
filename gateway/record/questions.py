"""One question as a readable trace: for whoever asked it, and for whoever may read the record."""

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authority
from accounts.authority import Right
from accounts.models import ApiKey, User
from audit.models import Entry
from audit.trace import MOST_ENTRIES, Step, Trace, trace
from gateway import api_shapes as shapes
from gateway.api import View, asker_of
from gateway.errors import NotFound
from gateway.record import reading

NOT_THERE = "There is no such question in the record."


# --- Finding it -----------------------------------------------------------------------------------
def of_anybody(question: UUID) -> Trace | None:
    """The trace of a question, whoever asked it."""
    entries = Entry.objects.filter(question=str(question)).defer("inputs", "decision")
    return trace(entries[:MOST_ENTRIES])


def of_ones_own(question: UUID, person: User, *, servers: Iterable[str] | None) -> Trace | None:
    """The trace of a question that this person asked; of a narrowed key only at its servers."""
    accepted = reading.own(person).filter(question=str(question), kind=Entry.Kind.QUESTION_ACCEPTED)
    if not accepted.exists():
        return None
    entries = Entry.objects.filter(question=str(question)).defer("inputs", "decision")
    if servers is not None:
        entries = entries.filter(server__in=["", *servers])
    return trace(entries[:MOST_ENTRIES])


# --- REST -----------------------------------------------------------------------------------------
class TraceStepShape(serializers.Serializer):
    sort = serializers.CharField(help_text="queued, turn, call, wait, refused or event.")
    label = serializers.CharField()  # type: ignore[assignment]
    began = serializers.DateTimeField()
    ended = serializers.DateTimeField(allow_null=True, help_text="null: it goes on.")
    milliseconds = serializers.IntegerField(allow_null=True)
    outcome = serializers.CharField()
    server = serializers.CharField()
    tool = serializers.CharField()
    cost = serializers.CharField(allow_null=True, help_text="US dollars.")
    entries = serializers.ListField(child=serializers.IntegerField())
    said = serializers.DictField(
        help_text="What there is of model, asked_for, offered, tokens, decision, arguments, result."
    )


class WithheldToolsShape(serializers.Serializer):
    turn = serializers.IntegerField(help_text="Since which turn; it holds until another one.")
    why = serializers.CharField(help_text="policy, drift, switched off, rank or others.")
    layer = serializers.CharField()
    rule = serializers.CharField()
    count = serializers.IntegerField()
    tools = serializers.ListField(child=serializers.CharField(), help_text="Some of them.")


class TraceShape(serializers.Serializer):
    id = serializers.CharField()
    person = serializers.CharField()
    role = serializers.CharField()
    door = serializers.CharField()
    question = serializers.CharField()
    outcome = serializers.CharField()
    answer = serializers.CharField(help_text="Its beginning.")
    error_code = serializers.CharField()
    began = serializers.DateTimeField()
    ended = serializers.DateTimeField(allow_null=True)
    milliseconds = serializers.IntegerField(allow_null=True)
    parts = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Milliseconds of it: queued, model, tools, approval.",
    )
    cost = serializers.CharField(allow_null=True, help_text="US dollars.")
    policy_version = serializers.CharField()
    steps = TraceStepShape(many=True)
    withheld = WithheldToolsShape(many=True)


class TraceView(View):
    """One question, step by step, as the record has it: one's own, or for auditors anybody's."""

    required_scope = (ApiKey.Scope.READ, ApiKey.Scope.ADMIN)

    @extend_schema(operation_id="audit_question", responses={200: TraceShape, 404: shapes.Error})
    def get(self, request: Request, question_id: UUID) -> Response:
        asker = asker_of(request)
        if _reads_everything(request, asker.user):
            found = of_anybody(question_id)
        elif request.auth is None or ApiKey.Scope.READ in cast(ApiKey, request.auth).scopes:
            found = of_ones_own(question_id, asker.user, servers=asker.only_servers)
        else:
            found = None
        if found is None:
            raise NotFound(NOT_THERE)
        return Response(as_json(found))


def _reads_everything(request: Request, person: User) -> bool:
    scopes = cast(ApiKey, request.auth).scopes if request.auth is not None else None
    is_admin = scopes is None or ApiKey.Scope.ADMIN in scopes
    return is_admin and authority.has(person, Right.VIEW_AUDIT_LOGS)


def as_json(found: Trace) -> dict[str, Any]:
    """A trace as its shape says."""
    end = found.end
    return {
        "id": found.question,
        "person": found.person,
        "role": found.asked.role,
        "door": found.asked.door,
        "question": found.text,
        "outcome": found.outcome,
        "answer": end.preview if end else "",
        "error_code": end.error_code if end else "",
        "began": found.asked.at,
        "ended": end.at if end else None,
        "milliseconds": end.milliseconds if end else None,
        "parts": found.parts,
        "cost": None if end is None or end.cost is None else f"{end.cost:f}",
        "policy_version": found.asked.policy_version,
        "steps": [_step(step) for step in found.steps],
        "withheld": [vars(one) for one in found.withheld],
    }


def _step(step: Step) -> dict[str, Any]:
    cost = None if step.cost is None else f"{step.cost:f}"
    return vars(step) | {"milliseconds": step.milliseconds, "cost": cost}
