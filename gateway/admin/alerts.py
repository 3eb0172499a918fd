"""The pages of alerts: what was found, what is looked out for, who is told."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, FieldTextFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import authority
from accounts.admin.standing import administrator
from accounts.authority import Right
from audit.recorded import Deed, DeedsOnlyAdmin, RecordedAdmin, ShownOnce, badge, who_at
from gateway.alerts import defining, delivering, incidents, webhook
from gateway.models import AlertRule, Destination, Incident, Notice
from gateway.models.alerts import Severity
from gateway.record import links
from registry import showing

STATES = {"open": "danger", "acknowledged": "warning", "resolved": "success"}
SEVERITIES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "danger"}
SENT = {"waiting": "warning", "sent": "success", "given_up": "danger"}
MOST_NOTICES = 20
SECOND = timedelta(seconds=1)


@admin.register(Incident)
class IncidentAdmin(DeedsOnlyAdmin):
    """What the rules have found: seen and decided by whoever may read the record."""

    list_display: ClassVar = ["what", "shown_state", "how_bad", "count", "opened_at", "last_at"]
    list_filter: ClassVar = [
        ("state", ChoicesDropdownFilter),
        ("severity", ChoicesDropdownFilter),
        ("name", FieldTextFilter),
        ("cause", FieldTextFilter),
    ]
    list_fullwidth = True
    search_fields: ClassVar = ["name", "cause"]
    actions_detail: ClassVar = ["acknowledge", "resolve"]
    fields: ClassVar = [
        *("what", "shown_state", "how_bad", "count", "said", "its_entries"),
        *("opened_at", "last_at", "resolved_at", "decided_by", "told"),
    ]
    readonly_fields: ClassVar = fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        may = authority.has(administrator(request), Right.VIEW_AUDIT_LOGS)
        ended = obj.state == Incident.State.RESOLVED
        return may and not ended and not (deed == "acknowledge" and obj.state != "open")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        rows: QuerySet[Incident] = super().get_queryset(request)
        return rows.select_related("decided_by")

    # --- What is shown ----------------------------------------------------------------------------
    @display(description="alert", ordering="name")
    def what(self, row: Incident) -> SafeString:
        return showing.visible(str(row))

    @display(description="state", ordering="state")
    def shown_state(self, row: Incident) -> SafeString:
        return badge(row.get_state_display(), STATES[row.state])

    @display(description="severity", ordering="severity")
    def how_bad(self, row: Incident) -> SafeString:
        return badge(row.severity, SEVERITIES[Severity(row.severity)])

    @display(description="more")
    def said(self, row: Incident) -> SafeString:
        said = ", ".join(f"{name}: {value}" for name, value in row.detail.items())
        return showing.visible(said or "-")

    @display(description="entries")
    def its_entries(self, row: Incident) -> str:
        if row.last_entry is None:
            return "-"
        every = links.entries(row.opened_at, row.last_at + SECOND, **row.filters)
        return format_html(
            '<a class="text-link" href="{}">the last one</a>, '
            '<a class="text-link" href="{}">all of them</a>',
            reverse("admin:audit_entry_change", args=(row.last_entry,)),
            every,
        )

    @display(description="told")
    def told(self, row: Incident) -> str:
        notices = row.notices.select_related("destination")[:MOST_NOTICES]
        lines = [_line(one) for one in notices]
        return format_html("{}" * len(lines), *lines) if lines else "nobody"

    # --- What is done -----------------------------------------------------------------------------
    @action(description="Acknowledge", url_path="acknowledge", icon="pan_tool")
    def acknowledge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = "You have it in hand: nobody is told again while it lasts."
        return self._decide(request, object_id, "Acknowledge", incidents.acknowledge, text=text)

    @action(description="Resolve", url_path="resolve", icon="check", variant=ActionVariant.PRIMARY)
    def resolve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = "It is over. Whatever is found after this is another incident."
        return self._decide(request, object_id, "Resolve", incidents.resolve, text=text)

    def _decide(
        self,
        request: HttpRequest,
        object_id: str,
        word: str,
        verb: Callable[..., bool],
        *,
        text: str,
    ) -> HttpResponse:
        row = self.find(request, object_id, word.lower())

        def do(_: Mapping[str, Any]) -> str:
            if not verb(row, by=administrator(request), who=who_at(request)):
                raise ValidationError("It does not stand like that any more.")
            return f"{row} is {row.state}."

        return self.carry_out(request, row, Deed(f"{word} {row}?", text, word), do=do)


def _line(notice: Notice) -> SafeString:
    state = badge(notice.get_state_display(), SENT[notice.state])
    error = f": {notice.error}" if notice.error else ""
    when = f"{notice.created_at:%Y-%m-%d %H:%M:%S}"
    said = showing.visible(f"{when} {notice.event} to {notice.destination}{error}")
    return format_html("<div>{} {}</div>", state, said)


class RuleForm(forms.ModelForm):
    """A rule that can be held against the record."""

    class Meta:
        model = AlertRule
        fields: ClassVar = defining.RULE

    def clean(self) -> Any:
        _check(self, defining.check_rule)
        return self.cleaned_data


class DestinationForm(forms.ModelForm):
    """A destination that something can be sent to."""

    class Meta:
        model = Destination
        fields: ClassVar = (*defining.DESTINATION, "url", "addresses")
        widgets: ClassVar = {"addresses": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def clean(self) -> Any:
        _check(self, defining.check_destination)
        return self.cleaned_data


def _check(form: Any, look: Callable[[Any], None]) -> None:
    """Judge the row that the form would make, where each of its fields could be read."""
    if form.errors:
        return
    row = form._meta.model(**form.cleaned_data)
    try:
        look(row)
    except ValidationError as error:
        for name, said in error.message_dict.items():
            form.add_error(name, said)


@admin.register(AlertRule)
class AlertRuleAdmin(RecordedAdmin):
    """What alerts look out for."""

    form = RuleForm
    recorded_values: ClassVar = defining.RULE
    list_display: ClassVar = ["name", "enabled", "kind", "how_bad", "each", "origin"]
    list_filter: ClassVar = [("kind", ChoicesDropdownFilter), ("severity", ChoicesDropdownFilter)]
    search_fields: ClassVar = ["name"]
    fieldsets: ClassVar = [
        ("Rule", {"fields": ["name", "kind", "enabled", "severity"]}),
        (
            "Which entries",
            {"fields": ["kinds", "filters", "tools", ("hours", "time_zone"), "unused_days"]},
        ),
        ("How many, of what", {"fields": ["each", ("count", "window_seconds")]}),
        ("Spending", {"fields": [("factor", "min_cost")]}),
        ("Telling", {"fields": ["quiet_minutes"]}),
    ]

    @display(description="severity", ordering="severity")
    def how_bad(self, row: AlertRule) -> SafeString:
        return badge(row.severity, SEVERITIES[Severity(row.severity)])


@admin.register(Destination)
class DestinationAdmin(RecordedAdmin):
    """Who is told of alerts."""

    form = DestinationForm
    recorded_values: ClassVar = defining.DESTINATION
    list_display: ClassVar = ["name", "enabled", "kind", "least", "last_told"]
    list_filter: ClassVar = [("kind", ChoicesDropdownFilter)]
    search_fields: ClassVar = ["name"]
    actions_detail: ClassVar = ["try_out", "new_secret"]
    fields: ClassVar = ["name", "kind", "enabled", "least", "url", "addresses"]

    @display(description="last told")
    def last_told(self, row: Destination) -> str:
        last = row.notices.first()
        return _line(last) if last else "never"

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        is_hook = obj.kind == Destination.Kind.WEBHOOK
        return super().may_do(request, obj, deed) and (deed != "secret" or is_hook)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        is_new_hook = obj.kind == Destination.Kind.WEBHOOK and not obj.sealed
        if is_new_hook:
            webhook.new_secret(obj)
        super().save_model(request, obj, form, change)
        if is_new_hook:
            messages.info(request, "“New secret” shows what its messages are signed with.")

    @action(description="Test", url_path="test", icon="send", variant=ActionVariant.PRIMARY)
    def try_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find(request, object_id, "test")

        def do(_: Mapping[str, Any]) -> str:
            tried = delivering.try_out(row)
            if tried.sent_at is None:
                raise ValidationError(f"It did not arrive: {tried.error}")
            return f"{row} has taken it."

        text = "A message that says it is a test is sent there now."
        deed = Deed(f"Send a test to {row}?", text, "Send", waits=True)
        return self.carry_out(request, row, deed, do=do)

    @action(description="New secret", url_path="secret", icon="key", variant=ActionVariant.WARNING)
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find(request, object_id, "secret")

        def do(_: Mapping[str, Any]) -> ShownOnce:
            secret = defining.renew_secret(row, who=who_at(request))
            hint = "The other side checks webhook-signature with it (Standard Webhooks)."
            return ShownOnce(f"The secret of {row}", secret, hint)

        text = "From now on its messages are signed with another secret; the old one is of no use."
        return self.carry_out(
            request, row, Deed(f"A new secret for {row}?", text, "Make it"), do=do
        )
