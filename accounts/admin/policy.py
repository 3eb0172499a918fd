"""The pages of the policy: what is saved here is in force at once, or is not saved."""

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, FieldTextFilter
from unfold.decorators import display

from accounts import authority, switching, versions
from accounts.admin import standing
from accounts.admin.forms import PolicyForm, fault_of
from accounts.models import Role, Rule, Team
from audit.recorded import RecordedAdmin, who_at
from audit.switched import SwitchedAdmin

RULE_HELP = (
    "Which fields count depends on the kind. A role's rule on a server needs server, role, mode"
    " (allow_all, deny_all, allow_only, deny, allow_all_except) and patterns; an exposure a server,"
    " a mode and patterns; a group a name and patterns; an argument rule patterns and a condition."
)


class PublishingAdmin(RecordedAdmin):
    """Publishes the policy in the transaction of each change; what would break it is not done."""

    form = PolicyForm

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"request": request})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            self._publish(request, f"{_named(obj)}: {'changed' if change else 'added'}")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            super().delete_model(request, obj)
            self._publish(request, f"{_named(obj)}: deleted")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            said = "\n".join(f"{_named(obj)}: deleted" for obj in queryset)
            super().delete_queryset(request, queryset)
            self._publish(request, said)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Django's answer, and what the policy would lack among what forbids deleting."""
        found = super().get_deleted_objects(objs, request)
        fault = fault_of(
            lambda: [obj.delete() for obj in self.model._default_manager.filter(pk__in=_keys(objs))]
        )
        if fault:
            found[3].append(f"The policy would not hold together: {fault}")
        return found

    def _publish(self, request: HttpRequest, note: str) -> None:
        versions.put_in_force(who_at(request), note)


def _named(obj: Any) -> str:
    return f"{obj._meta.verbose_name} {obj}"


def _keys(objs: Any) -> list[Any]:
    return [obj.pk for obj in objs]


class RoleForm(PolicyForm):
    """A role; being called `admin` counts as a power of its own."""

    def clean_name(self) -> str:
        role = Role(name=self.cleaned_data["name"])
        if not authority.may_hand_out(standing.administrator(self.request), role):
            raise forms.ValidationError("Only a super admin makes a role of this name.")
        return role.name


@admin.register(Role)
class RoleAdmin(SwitchedAdmin, PublishingAdmin):
    """Roles. Rules name a role, so it keeps its name."""

    form = RoleForm
    actions_detail: ClassVar = SwitchedAdmin.SWITCHES
    what_stops: ClassVar = (
        "From the next call on, nobody whom it counts for may do anything but super admins."
    )
    recorded_values: ClassVar = [
        *authority.FLAGS,
        "allowed_mcp_tools",
        "allowed_tool_patterns",
        "denied_tools",
    ]
    list_display: ClassVar = [
        "name",
        "display_name",
        "can_bypass_tool_restrictions",
        "members",
        "on",
    ]
    search_fields: ClassVar = ["name", "display_name"]
    fieldsets: ClassVar = [
        (None, {"fields": ["name", "display_name", "description", "color"]}),
        (
            "What the policy asks for",
            {
                "fields": [
                    "can_bypass_tool_restrictions",
                    "can_execute_dangerous_tools",
                    "can_access_all_databases",
                    "allowed_mcp_tools",
                    "allowed_tool_patterns",
                    "denied_tools",
                ]
            },
        ),
        ("Limits", {"fields": [("requests_per_hour", "concurrent_requests")]}),
        (
            "Administration",
            {
                "description": "You hand out only what your own role has.",
                "fields": [
                    ("can_manage_users", "can_promote_users"),
                    "can_approve_calls",
                    ("can_modify_config", "can_view_audit_logs"),
                    "can_delete_data",
                ],
            },
        ),
    ]

    @display(description="people")
    def members(self, role: Role) -> int:
        return role.user_set.count()

    @display(description="on", boolean=True)
    def on(self, role: Role) -> bool:
        return not role.is_off

    def throw(self, request: HttpRequest, obj: Any, *, on: bool, reason: str) -> None:
        by = standing.administrator(request)
        switching.switch_role(obj, on=on, by=by, who=who_at(request), reason=reason)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_change(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_change(request, obj) and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        own = authority.powers_of(standing.administrator(request))
        return [name for name in authority.FLAGS if name not in own] + (["name"] if obj else [])


def _may_change(request: HttpRequest, role: Any) -> bool:
    who = standing.administrator(request)
    return not isinstance(role, Role) or authority.may_change_role(who, role)


@admin.register(Team)
class TeamAdmin(PublishingAdmin):
    """Teams; who is in one stands on the person's page."""

    recorded_values: ClassVar = ["default_role"]
    list_display: ClassVar = ["key", "name", "default_role", "people"]
    search_fields: ClassVar = ["key", "name"]
    list_select_related: ClassVar = ["default_role"]

    @display(description="people")
    def people(self, team: Team) -> int:
        return team.members.count()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_not_own(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_not_own(request, obj) and super().has_delete_permission(request, obj)

    def _is_not_own(self, request: HttpRequest, obj: Any) -> bool:
        if not isinstance(obj, Team) or standing.is_super(request):
            return True
        return not obj.members.filter(pk=request.user.pk).exists()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["key"] if obj else []

    def get_field_queryset(self, db: Any, db_field: Any, request: Any) -> Any:
        rows = super().get_field_queryset(db, db_field, request)
        return standing.may_be_given(request, Role.objects.all() if rows is None else rows)


class RuleForm(PolicyForm):
    """A rule; its administrator's own role is not theirs to rule on."""

    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        if role and not standing.is_super(self.request) and standing.holds(self.request, role):
            self.add_error("role", "Nobody makes rules for their own role.")
        return role


@admin.register(Rule)
class RuleAdmin(PublishingAdmin):
    """The rules, by kind and place; what makes no policy is refused, with what is wrong where."""

    form = RuleForm
    recorded_values: ClassVar = ["kind", "server", "role", "name", "mode", "patterns", "condition"]
    list_display: ClassVar = ["kind", "server", "role", "name", "mode", "shown_patterns"]
    list_filter: ClassVar = [
        ("kind", ChoicesDropdownFilter),
        ("server", FieldTextFilter),
        ("role", FieldTextFilter),
    ]
    list_fullwidth = True
    search_fields: ClassVar = ["server", "role", "name", "patterns"]
    fieldsets: ClassVar = [
        (
            None,
            {
                "fields": [
                    "kind",
                    ("server", "role"),
                    ("name", "mode"),
                    "patterns",
                    "condition",
                    "position",
                ],
                "description": RULE_HELP,
            },
        ),
    ]

    @display(description="patterns")
    def shown_patterns(self, rule: Rule) -> str:
        patterns = rule.patterns if isinstance(rule.patterns, list) else []
        return ", ".join(map(str, patterns)) or json.dumps(rule.condition or "")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_not_own(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_not_own(request, obj) and super().has_delete_permission(request, obj)

    def _is_not_own(self, request: HttpRequest, obj: Any) -> bool:
        if not isinstance(obj, Rule) or standing.is_super(request):
            return True
        return not (obj.role and standing.holds(request, obj.role))
