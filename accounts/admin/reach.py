"""The pages of what widens and what bounds a person: grants, usage limits, how newcomers enter."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import FieldTextFilter
from unfold.decorators import display

from accounts import authority, usage_limits
from accounts.admin import standing
from accounts.admin.forms import GrantForm, LimitForm, RequestInForms
from accounts.errors import Number, amount
from accounts.models import ProvisioningRule, ServerGrant, UsageLimit
from audit.models import Entry
from audit.recorded import RecordedAdmin

_LIMIT_HELP = (
    "Of one person, or of each person of one role. An empty field is no limit of that kind, 0 lets"
    " nothing through. A person's own limit replaces those of their roles, wholly: one with nothing"
    " filled in lifts them."
)
_BOUNDS = ["period_days", "max_requests", "max_tokens", "max_cost"]


class OfAPersonAdmin(RecordedAdmin):
    """Something that one person has; nobody but a super admin gives it to themselves."""

    list_select_related: ClassVar = ["user"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_touch(request, obj) and super().has_delete_permission(request, obj)

    def get_field_queryset(self, db: Any, db_field: Any, request: Any) -> Any:
        rows = super().get_field_queryset(db, db_field, request)
        if rows is None:
            rows = db_field.remote_field.model._default_manager.all()
        return standing.may_be_given(request, rows)


def _may_touch(request: HttpRequest, obj: Any) -> bool:
    person = getattr(obj, "user", None)
    if standing.is_super(request) or person is None:
        return True
    return not standing.is_self(request, person) and standing.may_administer(request, person)


@admin.register(ServerGrant)
class ServerGrantAdmin(OfAPersonAdmin):
    """Grants: one person, one server, until they expire."""

    form = GrantForm
    kinds: ClassVar = {"added": Entry.Kind.GRANT_GIVEN, "deleted": Entry.Kind.GRANT_REVOKED}
    recorded_values: ClassVar = ["user", "server", "tools", "expires_at", "reason"]
    list_display: ClassVar = ["user", "server", "patterns", "expires_at", "counts", "granted_by"]
    list_filter: ClassVar = [("server", FieldTextFilter), ("user__email", FieldTextFilter)]
    search_fields: ClassVar = ["user__email", "server", "reason"]
    fields: ClassVar = ["user", "server", "tools", "expires_at", "reason", "granted_by"]
    readonly_fields: ClassVar = ["granted_by"]

    @display(description="tools")
    def patterns(self, grant: ServerGrant) -> str:
        return ", ".join(map(str, grant.tools))

    @display(description="counts", boolean=True)
    def counts(self, grant: ServerGrant) -> bool:
        return grant.expires_at is None or grant.expires_at > timezone.now()

    def facts_of(self, obj: Any) -> dict[str, str]:
        return {"server": obj.server}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        obj.granted_by = standing.administrator(request).email
        super().save_model(request, obj, form, change)


@admin.register(UsageLimit)
class UsageLimitAdmin(RequestInForms, OfAPersonAdmin):
    """What one person, or each person of a role, may use in a period."""

    form = LimitForm
    list_select_related: ClassVar = ["user", "role"]
    recorded_values: ClassVar = usage_limits.TOLD
    list_display: ClassVar = ["whose", "period_days", "requests", "tokens", "cost"]
    search_fields: ClassVar = ["user__email", "role__name"]

    @display(description="of")
    def whose(self, limit: UsageLimit) -> str:
        return limit.whose

    @display(description="requests", ordering="max_requests")
    def requests(self, limit: UsageLimit) -> str:
        return _bound(limit.max_requests)

    @display(description="tokens", ordering="max_tokens")
    def tokens(self, limit: UsageLimit) -> str:
        return _bound(limit.max_tokens)

    @display(description="US dollars", ordering="max_cost")
    def cost(self, limit: UsageLimit) -> str:
        return _bound(limit.max_cost)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        whose = ["user", "role"]
        if obj is not None:
            whose = ["role" if obj.role_id else "user"]
        return [(None, {"fields": [*whose, *_BOUNDS], "description": _LIMIT_HELP})]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_have(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_have(request, obj) and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # What was used of it is theirs.
        return ["user", "role"] if obj else []

    def _may_have(self, request: HttpRequest, limit: UsageLimit | None) -> bool:
        return standing.may_have(request, limit, authority.require_limit)


def _bound(limit: Number | None) -> str:
    return "no limit" if limit is None else amount(limit)


@admin.register(ProvisioningRule)
class ProvisioningRuleAdmin(OfAPersonAdmin):
    """How somebody not seen before enters."""

    recorded_values: ClassVar = ["email_domain", "slack_team", "default_role", "require_approval"]
    list_display: ClassVar = ["__str__", "slack_team", "default_role", "require_approval"]
    list_select_related: ClassVar = ["default_role"]
