"""The pages of tools: what servers say of them, and what an administrator says to that."""

from typing import Any, ClassVar, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from audit.recorded import Deed, DeedsOnlyAdmin, badge, who_at
from audit.switched import SwitchedAdmin
from registry import discovery, showing
from registry.errors import RegistryError
from registry.fingerprint import fingerprint
from registry.models import Tool

STATES = {"offered": "success", "quarantined": "warning", "gone": "default"}


class Waiting(NamedTuple):
    """A tool that waits for a decision, as the page shows it."""

    tool: Tool
    fingerprint: str
    reason: SafeString
    compared: SafeString


class Seen(forms.Form):
    """The fingerprint of what the administrator looked at."""

    seen = forms.CharField(widget=forms.HiddenInput)


@admin.register(Tool)
class ToolAdmin(SwitchedAdmin, DeedsOnlyAdmin):
    """Tools as servers describe them: read here, accepted or rejected, never edited."""

    list_display: ClassVar = ["name", "server", "shown_state", "why", "hints", "last_seen_at"]
    list_filter: ClassVar = [("state", ChoicesDropdownFilter), ("server", RelatedDropdownFilter)]
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
        return possible and super().may_do(request, obj, deed)

    # --- What is shown ---------------------------------------------------------------------------
    @display(description="state", ordering="state")
    def shown_state(self, tool: Tool) -> SafeString:
        if tool.is_off:
            return badge("switched off", "danger")
        return badge(tool.get_state_display(), STATES[tool.state])

    @display(description="reason")
    def why(self, tool: Tool) -> SafeString:
        return showing.visible(tool.state_reason)

    @display(description="declares")
    def hints(self, tool: Tool) -> str:
        return tool.declared_effect

    @display(description="as its server describes it")
    def shown_definition(self, tool: Tool) -> SafeString:
        if tool.pending is None:
            return showing.definition(tool.definition)
        return showing.beside(tool.definition if tool.fingerprint else {}, tool.pending)

    # --- What is done ----------------------------------------------------------------------------
    @action(description="Accept", url_path="accept", icon="check", variant=ActionVariant.PRIMARY)
    def accept_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tool = self.find(request, object_id, "accept")

        def do(values: Any) -> str:
            accept(tool, request, values["seen"])
            return f"{tool} is offered from now on."

        deed = Deed(
            f"Accept {tool}?",
            "Once accepted, it is offered exactly as it stands here, to whomever the policy lets.",
            "Accept",
            form=Seen,
            initial={"seen": fingerprint(tool.pending)},
            page="accept_tool",
            context={"compared": self.shown_definition(tool), "reason": self.why(tool)},
        )
        return self.carry_out(request, tool, deed, do=do)

    @action(description="Reject", url_path="reject", icon="block", variant=ActionVariant.DANGER)
    def reject_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tool = self.find(request, object_id, "reject")

        def do(_: Any) -> str:
            discovery.reject(tool, who_at(request))
            return f"{tool} stays set aside."

        text = "It is not offered, whatever syncs follow, until it is accepted or has changed."
        deed = Deed(f"Reject {tool}?", text, "Reject", is_dangerous=True)
        return self.carry_out(request, tool, deed, do=do)

    @action(description="Accept…", permissions=["change"])
    def accept_selected(
        self, request: HttpRequest, queryset: QuerySet[Tool]
    ) -> HttpResponse | None:
        tools = {str(tool.pk): tool for tool in queryset if self.may_do(request, tool, "accept")}
        seen = dict(one.split(":", 1) for one in request.POST.getlist("seen") if ":" in one)
        if not tools:
            self.message_user(request, "None of these waits for a decision.", messages.WARNING)
            return None
        if not seen:
            return self._ask_to_accept(request, list(tools.values()))
        for key, looked_at in seen.items():
            if key not in tools:
                raise PermissionDenied
            try:
                accept(tools[key], request, looked_at)
                self.message_user(request, f"{tools[key]} is offered from now on.")
            except ValidationError as error:
                self.message_user(request, error.message, messages.ERROR)
        return None

    @action(description="Reject", permissions=["change"])
    def reject_selected(self, request: HttpRequest, queryset: QuerySet[Tool]) -> None:
        for tool in queryset:
            if self.may_do(request, tool, "reject"):
                discovery.reject(tool, who_at(request))
                self.message_user(request, f"{tool} stays set aside.")

    def _ask_to_accept(self, request: HttpRequest, tools: list[Tool]) -> HttpResponse:
        waiting = [
            Waiting(one, fingerprint(one.pending), self.why(one), self.shown_definition(one))
            for one in tools
        ]
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": "Accept these tools?",
            "waiting": waiting,
            "back": reverse("admin:registry_tool_changelist"),
        }
        return TemplateResponse(request, "admin/omni2/accept_tools.html", context)


def accept(tool: Tool, request: HttpRequest, seen: str) -> None:
    """Accept what was looked at; a ValidationError says why not."""
    try:
        discovery.accept(tool, who_at(request), seen=seen)
    except RegistryError as error:
        raise ValidationError(error.message) from error
