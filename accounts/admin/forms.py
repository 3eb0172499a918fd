"""Forms of the admin: what is stored here is what the policy can read."""

import copy
from typing import Any, ClassVar

from django import forms
from django.db import models
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import authority, issuing, people
from accounts.admin import standing
from accounts.errors import BadValue, NotAllowed
from accounts.models import ApiKey, ServerGrant, UsageLimit, User
from accounts.policy import PatternError, check_granted
from accounts.publishing import fault_of
from audit.recorded import RecordedAdmin

EMPTY_REACH = "Empty: what holds for anybody not known."


class RequestInForms(RecordedAdmin):
    """Lets its forms know who is at the admin: they have the `request`."""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"request": request})


class PolicyForm(forms.ModelForm):
    """A form whose row must leave a policy that compiles."""

    request: HttpRequest

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        draft: models.Model = copy.deepcopy(self.instance)
        fault = fault_of(draft.save)
        if fault:
            self.add_error(None, f"The policy would not hold together: {fault}")


class ReachField(forms.JSONField):
    """JSON, or nothing: an empty field is an empty value, as it is when it comes back."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class PersonForm(forms.ModelForm):
    """A person; addresses in lower case, reach in the forms that the policy reads."""

    class Meta:
        model = User
        exclude: ClassVar = ["password"]
        field_classes: ClassVar = dict.fromkeys(people.REACH, ReachField)
        help_texts: ClassVar = {
            "allowed_mcps": f'"*", a list, or a map of server → rule. {EMPTY_REACH}',
            "allowed_domains": f'"*" or a list. {EMPTY_REACH}',
            "allowed_databases": f'"*" or a list. {EMPTY_REACH}',
        }

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean_allowed_mcps(self) -> Any:
        return self._reach("allowed_mcps")

    def clean_allowed_domains(self) -> Any:
        return self._reach("allowed_domains")

    def clean_allowed_databases(self) -> Any:
        return self._reach("allowed_databases")

    def _reach(self, name: str) -> Any:
        value = self.cleaned_data[name]
        try:
            people.check_reach(name, value)
        except BadValue as error:
            raise forms.ValidationError(str(error)) from error
        return value


class GrantForm(forms.ModelForm):
    """A grant; its patterns are the policy's."""

    class Meta:
        model = ServerGrant
        fields: ClassVar = ["user", "server", "tools", "expires_at", "reason"]

    def clean_tools(self) -> list[str]:
        try:
            return list(check_granted(self.cleaned_data["tools"]))
        except PatternError as error:
            raise forms.ValidationError(str(error)) from error


class LimitForm(forms.ModelForm):
    """A usage limit; nobody's own, and none of whoever is above."""

    request: HttpRequest

    class Meta:
        model = UsageLimit
        fields: ClassVar = ["user", "role", "period_days", "max_requests", "max_tokens", "max_cost"]
        help_texts: ClassVar = {
            "period_days": "A window begins with the first use after the last one was over."
        }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        whose = {name: values[name] for name in ("user", "role") if name in values}
        try:
            authority.require_limit(standing.administrator(self.request), UsageLimit(**whose))
        except NotAllowed as error:
            self.add_error(error.field or "user", str(error))
        return values


class KeyForm(forms.Form):
    """What a new API key may be used for."""

    LIFETIMES: ClassVar = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "ever")]
    USUAL: ClassVar = [ApiKey.Scope.QUERY, ApiKey.Scope.TOOLS, ApiKey.Scope.READ]

    name = forms.CharField(max_length=128, widget=UnfoldAdminTextInputWidget)
    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope.choices, initial=USUAL, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    lifetime = forms.ChoiceField(
        label="Works for",
        choices=LIFETIMES,
        initial="90",
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    servers = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Names of servers, separated by blanks. Empty: every server the person reaches.",
    )


def wanted_of(cleaned: Any) -> issuing.Wanted:
    """The cleaned values of a `KeyForm` as `issuing.issue` takes them."""
    return issuing.Wanted(
        cleaned["name"],
        scopes=cleaned["scopes"],
        servers=cleaned["servers"].split(),
        days=int(cleaned["lifetime"] or 0),
    )
