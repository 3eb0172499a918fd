"""The pages of the policy: what is saved here is in force at once, or is not saved."""

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, FieldTextFilter
from unfold.decorators import display

from accounts import authority, publishing, roles, rules, switching, teams
from accounts.admin import standing
from accounts.admin.forms import PolicyForm, RequestInForms
from accounts.errors import NotAllowed
from accounts.models import Role, Rule, Team
from audit.recorded import who_at
from audit.switched import SwitchedAdmin

RULE_HELP = (
    "Which fields count depends on the kind. A role's rule on a server needs server, role, mode"
    " (allow_all, deny_all, allow_only, deny, allow_all_except) and patterns; an exposure a server,"
    " a mode and patterns; a group a name and patterns; an argument rule patterns and a condition."
)


class PublishingAdmin(RequestInForms):
    """Publishes the policy in the transaction of each change; what would break it is not done."""

    form = PolicyForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        publishing.save(obj, self.changed(form), who=who_at(request))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        publishing.delete(obj, who=who_at(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        publishing.delete(*queryset, who=who_at(request))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Django's answer, and what the policy would lack among what forbids deleting."""
        found = super().get_deleted_objects(objs, request)
        fault = publishing.fault_of(
            lambda: [obj.delete() for obj in self.model._default_manager.filter(pk__in=_keys(objs))]
        )
        if fault:
            found[3].append(f"The policy would not hold together: {fault}")
        found[3].extend(said for said in map(self.needed_by, objs) if said)
        return found

    def needed_by(self, obj: Any) -> str:
        """Who has it, and so keeps it from being deleted; empty for nobody."""
        return ""


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
    recorded_values: ClassVar = roles.TOLD
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

    def needed_by(self, obj: Any) -> str:
        holders = roles.holders_of(obj)
        return f"{holders} the role {obj}." if holders else ""

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

    recorded_values: ClassVar = teams.TOLD
    list_display: ClassVar = ["key", "name", "default_role", "people"]
    search_fields: ClassVar = ["key", "name"]
    list_select_related: ClassVar = ["default_role"]

    @display(description="people")
    def people(self, team: Team) -> int:
        return team.members.count()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj) and super().has_delete_permission(request, obj)

    def _may(self, request: HttpRequest, obj: Any) -> bool:
        who = standing.administrator(request)
        return not isinstance(obj, Team) or authority.may_change_team(who, obj)

    def needed_by(self, obj: Any) -> str:
        members = obj.members.count()
        return f"{members} people are in the team {obj}." if members else ""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["key"] if obj else []

    def get_field_queryset(self, db: Any, db_field: Any, request: Any) -> Any:
        rows = super().get_field_queryset(db, db_field, request)
        return standing.may_be_given(request, Role.objects.all() if rows is None else rows)


class RuleForm(PolicyForm):
    """A rule; its administrator's own role is not theirs to rule on."""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        said = {name: values[name] for name in ("kind", "role", "condition") if name in values}
        try:
            authority.require_rule(standing.administrator(self.request), Rule(**said))
        except NotAllowed as error:
            self.add_error(error.field.split(".")[0], str(error))
        return values


@admin.register(Rule)
class RuleAdmin(PublishingAdmin):
    """The rules, by kind and place; what makes no policy is refused, with what is wrong where."""

    form = RuleForm
    recorded_values: ClassVar = rules.TOLD
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
        return self._may_have(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_have(request, obj) and super().has_delete_permission(request, obj)

    def _may_have(self, request: HttpRequest, rule: Rule | None) -> bool:
        return standing.may_have(request, rule, authority.require_rule)
