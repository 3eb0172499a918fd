"""The page of requests for access: seen and decided by whoever may decide on them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, FieldTextFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from accounts.admin.standing import administrator
from accounts.errors import AccountsError
from accounts.models import AccessRequest
from audit.recorded import Deed, DeedsOnlyAdmin, badge, who_at
from gateway import access_requests
from gateway.asker import Asker
from gateway.errors import GatewayError

STATES = {
    "open": "info",
    "granted": "success",
    "refused": "danger",
    "withdrawn": "default",
    "expired": "warning",
}
SHOWN = ["person", "server", "patterns", "reason", "shown_state", "created_at"]
DECIDED = ["decided_by", "decided_at", "answer", "grant"]
_AREA = UnfoldAdminTextareaWidget(attrs={"rows": 2})


class YesForm(forms.Form):
    """How long the grant lasts, and what the person should know."""

    days = forms.IntegerField(label="Days", min_value=1, widget=UnfoldAdminIntegerFieldWidget)
    answer = forms.CharField(required=False, max_length=2000, widget=_AREA)


class NoForm(forms.Form):
    """Why not."""

    answer = forms.CharField(label="Why not", max_length=2000, widget=_AREA)


@admin.register(AccessRequest)
class AccessRequestAdmin(DeedsOnlyAdmin):
    """What people ask for: all of it for whoever may view it, else what one may decide on."""

    list_display: ClassVar = ["person", "server", "patterns", "reason", "shown_state", "created_at"]
    list_filter: ClassVar = [
        ("state", ChoicesDropdownFilter),
        ("server", FieldTextFilter),
        ("person__email", FieldTextFilter),
    ]
    list_select_related: ClassVar = ["person"]
    list_fullwidth = True
    search_fields: ClassVar = ["person__email", "server", "reason"]
    actions_detail: ClassVar = ["say_yes", "say_no"]
    fields: ClassVar = SHOWN + DECIDED
    readonly_fields: ClassVar = SHOWN + DECIDED

    # --- Who sees and decides ---------------------------------------------------------------------
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if super().has_view_permission(request, obj):
            return True
        return access_requests.decides(administrator(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        decidable = access_requests.decidable_by(administrator(request))
        return obj.state == AccessRequest.State.OPEN and decidable.filter(pk=obj.pk).exists()

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessRequest]:
        if super().has_view_permission(request):
            return super().get_queryset(request)
        return access_requests.decidable_by(administrator(request))

    # --- What is shown ----------------------------------------------------------------------------
    @display(description="tools")
    def patterns(self, row: AccessRequest) -> str:
        return ", ".join(map(str, row.tools))

    @display(description="state", ordering="state")
    def shown_state(self, row: AccessRequest) -> SafeString:
        return badge(row.get_state_display(), STATES[row.state])

    # --- What is done -----------------------------------------------------------------------------
    @action(description="Grant", url_path="grant", icon="check", variant=ActionVariant.PRIMARY)
    def say_yes(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find(request, object_id, "grant")

        def do(values: Mapping[str, Any]) -> str:
            until = access_requests.end_after(values["days"])
            by = _asker(request)
            access_requests.grant(row, by=by, until=until, answer=values["answer"])
            return f"{row.person} may use {', '.join(row.tools)} until {until:%Y-%m-%d}."

        usual = min(settings.GRANT_DAYS, settings.GRANT_MAX_DAYS)
        text = (
            f"“{row.reason}” At its end, after {settings.GRANT_MAX_DAYS} days at most, it is over."
        )
        deed = Deed(f"{row}. Grant it?", text, "Grant", form=YesForm, initial={"days": usual})
        return self.carry_out(request, row, deed, do=_told(do))

    @action(description="Refuse", url_path="refuse", icon="block", variant=ActionVariant.DANGER)
    def say_no(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find(request, object_id, "refuse")

        def do(values: Mapping[str, Any]) -> str:
            access_requests.refuse(row, by=_asker(request), answer=values["answer"])
            return "The request is refused."

        deed = Deed(f"{row}. Refuse it?", f"“{row.reason}”", "Refuse", form=NoForm)
        return self.carry_out(request, row, deed, do=_told(do))


def _asker(request: HttpRequest) -> Asker:
    return Asker(administrator(request), who_at(request))


def _told(do: Any) -> Any:
    """What goes wrong is shown where it was asked."""

    def told(values: Mapping[str, Any]) -> str:
        try:
            return str(do(values))
        except (AccountsError, GatewayError) as error:
            raise ValidationError(str(error)) from error

    return told
