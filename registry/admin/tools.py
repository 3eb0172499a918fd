"""The pages of tools: what servers say of them, and what an administrator says to that."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from audit.recorded import Deed, DeedsOnlyAdmin, badge
from audit.switched import SwitchedAdmin
from registry import reviewing, showing
from registry.admin import decisions
from registry.models import Tool

STATES = {"offered": "success", "quarantined": "warning", "gone": "default"}


class Decision(DropdownFilter):
    """Whether somebody still has to decide on the tool, or has rejected it."""

    title = "decision"
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waits", "waits for one"), ("rejected", "rejected")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Tool]:
        if self.value() == "waits":
            return queryset.waiting()
        return queryset.rejected() if self.value() == "rejected" else queryset


@admin.register(Tool)
class ToolAdmin(SwitchedAdmin, DeedsOnlyAdmin):
    """Tools as servers describe them: read here, accepted or rejected, never edited."""

    list_display: ClassVar = ["name", "server", "shown_state", "why", "hints", "last_seen_at"]
    list_filter: ClassVar = [
        ("state", ChoicesDropdownFilter),
        Decision,
        ("server", RelatedDropdownFilter),
    ]
    list_select_related: ClassVar = ["server"]
    list_fullwidth = True
    search_fields: ClassVar = ["name", "qualified_name", "title", "description"]
    actions: ClassVar = ["accept_selected", "reject_selected"]
    actions_detail: ClassVar = ["accept_one", "reject_one", *SwitchedAdmin.SWITCHES]
    what_stops: ClassVar = "From the next call on, nobody is offered it or may call it."
    fieldsets: ClassVar = [
        (
            None,
            {"fields": [("server", "name"), "qualified_name", "shown_state", "why", "hints"]},
        ),
        ("Definition", {"fields": ["shown_definition"]}),
        (
            "History",
            {"fields": [("first_seen_at", "last_seen_at"), "fingerprint"]},
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        own = ["shown_state", "why", "hints", "shown_definition"]
        return [field.name for field in Tool._meta.fields] + own

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        possible = obj.state != Tool.State.GONE or deed.startswith("switch-")
        if deed == "accept":
            possible = possible and obj.pending is not None
        if deed == "reject":
            possible = possible and not obj.rejected_by
        return possible and super().may_do(request, obj, deed)

    # --- What is shown ---------------------------------------------------------------------------
    @display(description="state", ordering="state")
    def shown_state(self, tool: Tool) -> SafeString:
        if tool.is_off:
            return badge("switched off", "danger")
        if tool.rejected_by and tool.state == Tool.State.QUARANTINED:
            return badge("rejected", "danger")
        return badge(tool.get_state_display(), STATES[tool.state])

    @display(description="reason")
    def why(self, tool: Tool) -> SafeString:
        return showing.visible(tool.state_reason)

    @display(description="declares")
    def hints(self, tool: Tool) -> str:
        if tool.declares_effect:
            return tool.declared_effect
        return f"nothing; counts as: {tool.declared_effect}"

    @display(description="as its server describes it")
    def shown_definition(self, tool: Tool) -> SafeString:
        (review,) = reviewing.review([tool])
        return showing.reviewed(review)

    # --- What is done ----------------------------------------------------------------------------
    @action(description="Accept", url_path="accept", icon="check", variant=ActionVariant.PRIMARY)
    def accept_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = (
            "Once accepted, it is offered exactly as it stands here, to whomever the policy lets."
        )
        return self._decide(request, object_id, "accept", text=text)

    @action(description="Reject", url_path="reject", icon="block", variant=ActionVariant.DANGER)
    def reject_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = "It is not offered, whatever syncs follow, until it is accepted or has changed."
        return self._decide(request, object_id, "reject", text=text)

    def _decide(
        self, request: HttpRequest, object_id: str, verb: str, *, text: str
    ) -> HttpResponse:
        tool = self.find(request, object_id, verb)
        (review,) = reviewing.review([tool])

        def do(values: Any) -> str:
            return decisions.decide([tool], request, verb, seen={tool.pk: values["seen"]})

        deed = Deed(
            f"{verb.title()} {tool}?",
            text,
            verb.title(),
            form=decisions.Seen,
            initial={"seen": review.fingerprint},
            page="decide_tool",
            context={"reviewed": showing.reviewed(review), "reason": self.why(tool)},
            is_dangerous=verb == "reject",
        )
        return self.carry_out(request, tool, deed, do=do)

    @action(description="Accept…", permissions=["change"])
    def accept_selected(
        self, request: HttpRequest, queryset: QuerySet[Tool]
    ) -> HttpResponse | None:
        return self._decide_on_many(request, queryset, "accept")

    @action(description="Reject…", permissions=["change"])
    def reject_selected(
        self, request: HttpRequest, queryset: QuerySet[Tool]
    ) -> HttpResponse | None:
        return self._decide_on_many(request, queryset, "reject")

    def _decide_on_many(
        self, request: HttpRequest, queryset: QuerySet[Tool], verb: str
    ) -> HttpResponse | None:
        tools = [tool for tool in queryset if self.may_do(request, tool, verb)]
        if not tools:
            self.message_user(request, "None of these waits for a decision.", messages.WARNING)
            return None
        if "decided" not in request.POST:
            return decisions.page(request, tools, self)
        try:
            self.message_user(request, decisions.decide_as_ticked(tools, request, verb))
        except ValidationError as error:
            self.message_user(request, error.message, messages.ERROR)
            return decisions.page(request, tools, self)
        return None
