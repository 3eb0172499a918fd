"""The two deeds on the page of whatever has a kill switch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.recorded import Deed, RecordedAdmin, who_at
from audit.switches import REASON_CHARACTERS, Switchable

if TYPE_CHECKING:
    Base = RecordedAdmin
else:
    Base = object


class ReasonForm(forms.Form):
    """Why; it stands on the record."""

    reason = forms.CharField(
        required=False, max_length=REASON_CHARACTERS, widget=UnfoldAdminTextInputWidget
    )


class SwitchedAdmin(Base):
    """Beside another admin class of a `Switchable`: switch it off, switch it on again."""

    SWITCHES: ClassVar = ["switch_on", "switch_off"]
    what_stops: ClassVar = "It stops at the next call, everywhere."

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        if deed not in ("switch-off", "switch-on"):
            return super().may_do(request, obj, deed)
        return obj.is_off == (deed == "switch-on") and self.may_switch(request, obj)

    def may_switch(self, request: HttpRequest, obj: Any) -> bool:
        """Whether this administrator may throw the switch of this row."""
        return self.has_change_permission(request, obj)

    def throw(self, request: HttpRequest, obj: Any, *, on: bool, reason: str) -> None:
        """Switch it, on the record."""
        obj.switch(on=on, who=who_at(request), reason=reason)

    @action(
        description="Switch off", url_path="switch-off", icon="block", variant=ActionVariant.DANGER
    )
    def switch_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_to_switch(request, self.find(request, object_id, "switch-off"), on=False)

    @action(description="Switch on", url_path="switch-on", icon="power_settings_new")
    def switch_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_to_switch(request, self.find(request, object_id, "switch-on"), on=True)

    def ask_to_switch(self, request: HttpRequest, row: Switchable, *, on: bool) -> HttpResponse:
        """The page that asks, or the deed done."""
        word = "on" if on else "off"

        def do(values: Mapping[str, Any]) -> str:
            self.throw(request, row, on=on, reason=values["reason"])
            return f"{row} is switched {word}."

        deed = Deed(
            f"Switch {row} {word}?",
            "It takes part again, as far as everything else lets it." if on else self.what_stops,
            f"Switch {word}",
            form=ReasonForm,
            is_dangerous=not on,
        )
        return self.carry_out(request, row, deed, do=do)
