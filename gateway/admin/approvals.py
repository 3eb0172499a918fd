"""The page of approvals: what exactly would be done, for whom, and saying yes or no to it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    FieldTextFilter,
)
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin.standing import administrator
from accounts.errors import AccountsError
from audit.ranges import BetweenMoments
from audit.recorded import Deed, DeedsOnlyAdmin, badge, who_at
from gateway import approvals, deciding
from gateway.asker import Asker
from gateway.errors import GatewayError
from gateway.models import Approval

STATES = {
    "waiting": "warning",
    "approved": "info",
    "refused": "danger",
    "expired": "default",
    "used": "success",
    "cancelled": "default",
    "outdated": "default",
}
SHOWN = ["shown_state", "person", "server", "tool", "arguments", "rule"]
WHEN = ["created_at", "expires_at", "decided_by", "decided_at", "reason"]
WHERE = ["door", "question", "call", "fingerprint", "policy_version"]


class ReasonForm(forms.Form):
    """What whoever asked gets to read."""

    reason = forms.CharField(
        required=False,
        max_length=deciding.MOST_CHARACTERS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="The person who asked and the model get to read it.",
    )


@admin.register(Approval)
class ApprovalAdmin(DeedsOnlyAdmin):
    """Approvals: seen by whoever may decide on them or read the record; nothing of it is edited."""

    list_display: ClassVar = ["__str__", "shown_state", "brief", "rule", "expires_at"]
    list_filter: ClassVar = [
        ("state", ChoicesDropdownFilter),
        ("server", FieldTextFilter),
        ("tool", FieldTextFilter),
        ("person__email", FieldTextFilter),
        ("created_at", BetweenMoments),
    ]
    list_select_related: ClassVar = ["person"]
    list_fullwidth = True
    search_fields: ClassVar = ["id__exact", "person__email", "server", "tool"]
    actions_detail: ClassVar = ["approve", "refuse"]
    fields: ClassVar = [*SHOWN, *WHEN, *WHERE]
    readonly_fields: ClassVar = [*SHOWN, *WHEN, *WHERE]

    # --- Who sees and decides ---------------------------------------------------------------------
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        waits = obj.state == Approval.State.WAITING
        return waits and approvals.may_decide(administrator(request), obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Approval]:
        rows: QuerySet[Approval] = super().get_queryset(request)
        return rows.select_related("person", "decided_by")

    def render_change_form(self, request: Any, context: Any, *args: Any, **options: Any) -> Any:
        row: Approval = options["obj"]
        why = approvals.why_not(administrator(request), row)
        # Where there are no buttons, whoever looks is told why.
        if why and row.state == Approval.State.WAITING:
            messages.info(request, why)
        return super().render_change_form(request, context, *args, **options)

    # --- What is shown ----------------------------------------------------------------------------
    @display(description="state", ordering="state")
    def shown_state(self, row: Approval) -> SafeString:
        return badge(row.get_state_display(), STATES[row.state])

    @display(description="arguments")
    def brief(self, row: Approval) -> str:
        text = ", ".join(f"{name}: {value}" for name, value in row.arguments.items())
        return text if len(text) < 80 else f"{text[:79]}…"

    @display(description="asked by the rule")
    def rule(self, row: Approval) -> str:
        return str(row.decision.get("rule", ""))

    # --- What is done -----------------------------------------------------------------------------
    @action(description="Approve", url_path="approve", icon="check", variant=ActionVariant.PRIMARY)
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = "It is made once, with exactly these arguments, as long as nothing else changes."
        return self._decide(request, object_id, approve=True, text=text)

    @action(description="Refuse", url_path="refuse", icon="block", variant=ActionVariant.DANGER)
    def refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = "The call is not made; whoever asked is told so."
        return self._decide(request, object_id, approve=False, text=text)

    def _decide(
        self, request: HttpRequest, object_id: str, *, approve: bool, text: str
    ) -> HttpResponse:
        word = "Approve" if approve else "Refuse"
        row = self.find(request, object_id, word.lower())

        def do(values: Mapping[str, Any]) -> str:
            asker = Asker(administrator(request), who_at(request))
            try:
                deciding.decide(row.pk, approve=approve, asker=asker, reason=values["reason"])
            except (AccountsError, GatewayError) as error:
                raise ValidationError(str(error)) from error
            return f"{row} is {'approved' if approve else 'refused'}."

        deed = Deed(
            f"{word} {row.server}/{row.tool} for {row.person.email}?",
            text,
            word,
            form=ReasonForm,
            page="approval",
            is_dangerous=not approve,
            # What could not be decided stays on the record, so there is nothing to roll back.
            waits=True,
        )
        return self.carry_out(request, row, deed, do=do)
