"""The page of accounts that people have connected: whose, where, in which state. Never a token."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from audit.recorded import DeedsOnlyAdmin, badge, who_at
from registry import connecting
from registry.models import ConnectedAccount

STATES = {"connected": "success", "broken": "danger"}
SHOWN = ["owner", "server", "url", "shown_state", "problem", "scope"]
DATES = ["connected_at", "renewed_at", "expires_at"]


@admin.register(ConnectedAccount)
class ConnectedAccountAdmin(DeedsOnlyAdmin):
    """Accounts at servers that are spoken to by OAuth; the gateway's own among them."""

    list_display: ClassVar = ["owner", "server", "shown_state", "problem", *DATES]
    list_filter: ClassVar = [
        ("server", RelatedDropdownFilter),
        ("state", ChoicesDropdownFilter),
    ]
    list_select_related: ClassVar = ["server"]
    list_fullwidth = True
    search_fields: ClassVar = ["name"]
    fields: ClassVar = SHOWN + DATES
    readonly_fields: ClassVar = SHOWN + DATES
    actions: ClassVar = ["disconnect"]

    @display(description="whose", ordering="name")
    def owner(self, account: ConnectedAccount) -> str:
        return account.name or "the gateway"

    @display(description="state", ordering="state")
    def shown_state(self, account: ConnectedAccount) -> SafeString:
        return badge(account.get_state_display(), STATES[account.state])

    @action(description="Disconnect", permissions=["change"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for account in queryset.select_related("server"):
            connecting.disconnect(account, who=who_at(request))
            self.message_user(request, f"{account} is disconnected.")
