"""The pages of API keys: issued on a person's page, seen and revoked here."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import FieldTextFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import issuing
from accounts.models import ApiKey
from audit.recorded import Deed, DeedsOnlyAdmin, badge, who_at

SHOWN = ["name", "user", "prefix", "state", "scopes", "servers"]
DATES = ["created_at", "expires_at", "revoked_at", "last_used_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(DeedsOnlyAdmin):
    """API keys; of the secret there is only a digest, and even that is not shown."""

    list_display: ClassVar = ["name", "user", "prefix", "state", "expires_at", "last_used_at"]
    list_filter: ClassVar = [("user__email", FieldTextFilter)]
    list_select_related: ClassVar = ["user"]
    search_fields: ClassVar = ["name", "prefix", "user__email"]
    actions: ClassVar = ["revoke_selected"]
    actions_detail: ClassVar = ["revoke_one"]
    fields: ClassVar = SHOWN + DATES
    readonly_fields: ClassVar = SHOWN + DATES

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        return obj.revoked_at is None and super().may_do(request, obj, deed)

    @display(description="state")
    def state(self, key: ApiKey) -> SafeString:
        if key.revoked_at is not None:
            return badge("revoked", "danger")
        return badge("usable", "success") if key.usable() else badge("expired", "warning")

    @action(description="Revoke", url_path="revoke", icon="block", variant=ActionVariant.DANGER)
    def revoke_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = self.find(request, object_id, "revoke")

        def do(_: Mapping[str, Any]) -> str:
            self.revoke(request, key)
            return f"{key} is revoked."

        text = "It stops at once and for good."
        deed = Deed(f"Revoke {key} of {key.user}?", text, "Revoke", is_dangerous=True)
        return self.carry_out(request, key, deed, do=do)

    @action(description="Revoke", permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset.filter(revoked_at=None).select_related("user"):
            self.revoke(request, key)
            self.message_user(request, f"{key} is revoked.")

    def revoke(self, request: HttpRequest, key: ApiKey) -> None:
        """Stop the key, on the record."""
        issuing.revoke(key, who=who_at(request))
