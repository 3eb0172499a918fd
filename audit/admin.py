"""The record, to be read: nobody adds, changes or deletes anything here."""

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    FieldTextFilter,
)
from unfold.decorators import display

from audit.models import Block, Entry
from audit.ranges import BetweenMoments
from audit.recorded import ReadOnlyAdmin, badge

OUTCOMES: dict[str, str] = {
    Entry.Outcome.OK: "success",
    Entry.Outcome.PENDING: "info",
    Entry.Outcome.REFUSED: "danger",
    Entry.Outcome.FAILED: "danger",
    Entry.Outcome.UNKNOWN: "warning",
    Entry.Outcome.CANCELLED: "warning",
    Entry.Outcome.EXPIRED: "warning",
}

EFFECTS = {"allow": "success", "deny": "danger", "ask": "warning"}


class EffectFilter(admin.SimpleListFilter):
    """What the policy decided."""

    title = "decision"
    parameter_name = "effect"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("allow", "allowed"), ("deny", "denied"), ("ask", "a person must confirm")]

    def queryset(self, request: Any, queryset: QuerySet[Entry]) -> QuerySet[Entry]:
        return queryset.filter(effect=self.value()) if self.value() else queryset


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Everything that happened, newest first."""

    list_display: ClassVar = [
        "when",
        "kind",
        "shown_outcome",
        "person",
        "server",
        "tool",
        "decided",
        "door",
    ]
    list_display_links: ClassVar = ["when", "kind"]
    list_filter: ClassVar = [
        ("kind", ChoicesDropdownFilter),
        ("outcome", ChoicesDropdownFilter),
        EffectFilter,
        ("person", FieldTextFilter),
        ("server", FieldTextFilter),
        ("at", BetweenMoments),
    ]
    search_fields: ClassVar = [
        "person",
        "server",
        "tool",
        "question__exact",
        "call__exact",
        "rule",
        "error_id__exact",
    ]
    search_help_text = "Person, server, tool or rule; a question's, call's or error's whole id."
    list_per_page = 50
    fieldsets: ClassVar = [
        ("What happened", {"fields": ["when", "kind", "shown_outcome", "milliseconds"]}),
        ("Who", {"fields": ["person", "role", "door", "address", "api_key", "place"]}),
        (
            "The call",
            {"fields": ["server", "tool", "shown_arguments", "result", "question", "call"]},
        ),
        (
            "The decision",
            {
                "fields": [
                    "decided",
                    "layer",
                    "rule",
                    "reason",
                    "shown_decision",
                    "shown_inputs",
                    "policy_version",
                ]
            },
        ),
        ("Use", {"fields": ["tokens", "shown_cost"]}),
        ("More", {"fields": ["error_code", "error_id", "shown_detail"]}),
        (
            "Seal",
            {
                "fields": [
                    "digest",
                    "arguments_digest",
                    "result_digest",
                    "fingerprint",
                    "user_agent",
                ],
                "classes": ["collapse"],
            },
        ),
    ]

    @display(description="when", ordering="id")
    def when(self, entry: Entry) -> str:
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    @display(description="outcome", ordering="outcome")
    def shown_outcome(self, entry: Entry) -> SafeString:
        return badge(entry.get_outcome_display(), OUTCOMES.get(entry.outcome, "default"))

    @display(description="decision")
    def decided(self, entry: Entry) -> SafeString | str:
        return badge(entry.effect, EFFECTS.get(entry.effect, "default")) if entry.effect else ""

    @display(description="channel and thread")
    def place(self, entry: Entry) -> str:
        return " / ".join(part for part in (entry.channel, entry.thread) if part)

    @display(description="arguments (redacted)")
    def shown_arguments(self, entry: Entry) -> str:
        return _json(entry.arguments)

    @display(description="result (its beginning, redacted)")
    def result(self, entry: Entry) -> str:
        return entry.preview

    @display(description="whole decision")
    def shown_decision(self, entry: Entry) -> str:
        return _json(entry.decision)

    @display(description="what it rested on")
    def shown_inputs(self, entry: Entry) -> str:
        return _json(entry.inputs)

    @display(description="detail")
    def shown_detail(self, entry: Entry) -> str:
        return _json(entry.detail)

    @display(description="tokens")
    def tokens(self, entry: Entry) -> str:
        counts = {
            "in": entry.input_tokens,
            "out": entry.output_tokens,
            "cache read": entry.cache_read_tokens,
            "cache write": entry.cache_write_tokens,
        }
        return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count is not None)

    @display(description="cost")
    def shown_cost(self, entry: Entry) -> str:
        return "" if entry.cost is None else f"${entry.cost:f}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return Entry.objects.order_by("-id")


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    """The seals, newest first; `manage.py verify_audit` checks them."""

    list_display: ClassVar = ["number", "count", "first", "last", "sealed_at", "digest"]
    ordering: ClassVar = ["-number"]
    exclude: ClassVar = ["witness"]


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
