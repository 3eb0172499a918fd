"""Conversations, questions, turns and calls, to be read: what happened is not edited."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    FieldTextFilter,
)
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin.standing import administrator
from accounts.errors import AccountsError
from audit.ranges import BetweenMoments
from audit.recorded import Deed, DeedsOnlyAdmin, ReadOnlyAdmin, badge, who_at
from gateway import outcomes
from gateway.asker import Asker
from gateway.errors import GatewayError
from gateway.models import Call, Conversation, Question, Turn

QUESTION_STATES = {
    "queued": "info",
    "running": "info",
    "waiting": "warning",
    "answered": "success",
    "refused": "danger",
    "failed": "danger",
    "cancelled": "warning",
    "expired": "warning",
}
CALL_STATES = {
    "started": "info",
    "done": "success",
    "failed": "danger",
    "refused": "danger",
    "unknown": "warning",
}


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    """Questions, each with what it led to."""

    change_form_before_template = "admin/omni2/question.html"
    list_display: ClassVar = [
        "asked",
        "person",
        "shown_state",
        "door",
        "model",
        "cost",
        "created_at",
    ]
    list_filter: ClassVar = [
        ("state", ChoicesDropdownFilter),
        ("door", ChoicesDropdownFilter),
        ("person__email", FieldTextFilter),
        ("created_at", BetweenMoments),
    ]
    list_select_related: ClassVar = ["person"]
    search_fields: ClassVar = ["id__exact", "text", "person__email", "error_id__exact"]
    fields: ClassVar = [
        ("shown_state", "warning"),
        ("created_at", "started_at", "finished_at"),
        ("input_tokens", "output_tokens"),
        ("cache_read_tokens", "cache_write_tokens"),
        ("cost", "price"),
        ("conversation", "policy_version"),
        ("attempt", "owner"),
        ("error_code", "error_id"),
        "only_servers",
        "origin",
    ]

    @display(description="question", ordering="text")
    def asked(self, question: Question) -> str:
        return str(question)

    @display(description="state", ordering="state")
    def shown_state(self, question: Question) -> SafeString:
        return badge(question.get_state_display(), QUESTION_STATES[question.state])


class NoteForm(forms.Form):
    """How it is known what became of a call."""

    note = forms.CharField(
        max_length=outcomes.MOST_CHARACTERS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="How it is known. The person who asked gets to read it; it is on the record.",
    )


class ToSettle(DropdownFilter):
    """Whether somebody still has to say what became of the call."""

    title = "unknown outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "to be settled"), ("settled", "settled")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Call]:
        if self.value() == "open":
            return queryset.to_settle()
        return queryset.exclude(settled="") if self.value() == "settled" else queryset


@admin.register(Call)
class CallAdmin(DeedsOnlyAdmin):
    """The journal of calls. Of an unknown outcome an administrator says what became of it."""

    list_display: ClassVar = [
        "__str__",
        "person",
        "shown_state",
        "milliseconds",
        "door",
        "created_at",
    ]
    list_filter: ClassVar = [
        ("state", ChoicesDropdownFilter),
        ToSettle,
        ("server", FieldTextFilter),
        ("tool", FieldTextFilter),
        ("created_at", BetweenMoments),
    ]
    list_select_related: ClassVar = ["person"]
    list_fullwidth = True
    list_filter_submit = True
    actions_detail: ClassVar = ["carried_out", "not_carried_out"]
    search_fields: ClassVar = ["id__exact", "server", "tool", "person__email"]
    ordering: ClassVar = ["-created_at"]
    fields: ClassVar = [
        ("server", "tool"),
        ("shown_state", "error_code"),
        ("settled", "settled_by", "settled_at"),
        "settled_note",
        ("person", "door"),
        "question",
        "arguments",
        "text",
        "decision",
        ("created_at", "finished_at", "milliseconds"),
        ("fingerprint", "repeatable"),
    ]

    # --- Who sees and settles ---------------------------------------------------------------------
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        by = Asker(administrator(request), who_at(request))
        is_open = obj.state == Call.State.UNKNOWN and not obj.settled
        return is_open and outcomes.may_settle(by)

    # --- What is shown and done -------------------------------------------------------------------
    @display(description="state", ordering="state")
    def shown_state(self, call: Call) -> SafeString:
        if call.settled:
            return badge(call.get_settled_display(), "info")
        return badge(call.get_state_display(), CALL_STATES[call.state])

    @action(description="It was carried out", url_path="carried-out", icon="check")
    def carried_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._settle(request, object_id, "carried-out", carried_out=True)

    @action(description="It was not carried out", url_path="not-carried-out", icon="close")
    def not_carried_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._settle(request, object_id, "not-carried-out", carried_out=False)

    def _settle(
        self, request: HttpRequest, object_id: str, deed: str, *, carried_out: bool
    ) -> HttpResponse:
        row = self.find(request, object_id, deed)

        def do(values: Mapping[str, Any]) -> str:
            by = Asker(administrator(request), who_at(request))
            try:
                outcomes.settle(row.pk, carried_out=carried_out, note=values["note"], asker=by)
            except (AccountsError, GatewayError) as error:
                raise ValidationError(str(error)) from error
            return f"{row}: it was {'' if carried_out else 'not '}carried out."

        said = "It was carried out" if carried_out else "It was not carried out"
        text = "Nothing is called. What you found out at the server is said once, and kept."
        asked = Deed(f"{row}: {said.lower()}?", text, said, form=NoteForm)
        return self.carry_out(request, row, asked, do=do)


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Questions that belong together."""

    list_display: ClassVar = ["id", "person", "door", "external_key", "created_at"]
    list_filter: ClassVar = [("door", ChoicesDropdownFilter), ("person__email", FieldTextFilter)]
    list_select_related: ClassVar = ["person"]
    search_fields: ClassVar = ["id__exact", "external_key", "person__email"]
    fields: ClassVar = [("person", "door"), "external_key", "created_at", "questions_asked"]

    @display(description="questions")
    def questions_asked(self, conversation: Conversation) -> str:
        rows = conversation.questions.order_by("created_at")
        return "\n".join(f"{row.created_at:%Y-%m-%d %H:%M}  {row}" for row in rows[:100])


@admin.register(Turn)
class TurnAdmin(ReadOnlyAdmin):
    """What the model said, turn by turn."""

    list_display: ClassVar = ["question", "number", "model", "stop", "milliseconds", "created_at"]
    list_filter: ClassVar = [("model", FieldTextFilter), ("stop", FieldTextFilter)]
    list_select_related: ClassVar = ["question"]
    search_fields: ClassVar = ["question__id__exact"]
    ordering: ClassVar = ["-created_at"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [
            "question",
            "number",
            "model",
            "stop",
            "usage",
            "content",
            "milliseconds",
            "created_at",
        ]
