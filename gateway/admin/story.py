"""Conversations, questions, turns and calls, to be read: what happened is not edited."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    FieldTextFilter,
    RangeDateTimeFilter,
)
from unfold.decorators import display

from audit.recorded import ReadOnlyAdmin, badge
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
        ("created_at", RangeDateTimeFilter),
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


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    """The journal of calls."""

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
        ("server", FieldTextFilter),
        ("tool", FieldTextFilter),
        ("created_at", RangeDateTimeFilter),
    ]
    list_select_related: ClassVar = ["person"]
    search_fields: ClassVar = ["id__exact", "server", "tool", "person__email"]
    ordering: ClassVar = ["-created_at"]
    fields: ClassVar = [
        ("server", "tool"),
        ("shown_state", "error_code"),
        ("person", "door"),
        "question",
        "arguments",
        "text",
        "decision",
        ("created_at", "finished_at", "milliseconds"),
        ("fingerprint", "repeatable"),
    ]

    @display(description="state", ordering="state")
    def shown_state(self, call: Call) -> SafeString:
        return badge(call.get_state_display(), CALL_STATES[call.state])


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
