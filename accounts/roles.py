"""Roles: made, changed, deleted. Nobody makes one above their own, or touches the one they have."""

from collections.abc import Mapping
from typing import Any

from accounts import authority, publishing
from accounts.errors import Conflict
from accounts.models import PolicyVersion, ProvisioningRule, Role, Rule, Team, User
from accounts.policy import PolicyError
from audit import changes
from audit.changes import Changed
from audit.record import Who

# What the record says with its values.
TOLD = (
    *authority.FLAGS,
    "allowed_mcp_tools",
    "allowed_tool_patterns",
    "denied_tools",
    "requests_per_hour",
    "concurrent_requests",
)


def create(values: Mapping[str, Any], *, by: User, who: Who) -> tuple[Role, PolicyVersion]:
    """Make a role; it and the version of the policy that it made."""
    role = Role()
    changed = changes.apply(role, values, told=TOLD)
    return role, _save(role, changed, by=by, who=who)


def change(
    role: Role, values: Mapping[str, Any], *, by: User, who: Who
) -> tuple[Role, PolicyVersion]:
    """Give the role these values. Rules name a role, so it keeps its name."""
    with publishing.held(role, by=by, require=authority.require_role) as row:
        changed = changes.apply(row, values, told=TOLD)
        return row, _save(row, changed, by=by, who=who)


def delete(role: Role, *, by: User, who: Who) -> PolicyVersion:
    """Delete the role; Conflict while anybody has it."""
    with publishing.held(role, by=by, require=authority.require_role) as row:
        holders = holders_of(row)
        if holders:
            raise Conflict(f"{holders} it: give them another role first.")
        with publishing.needed():
            return publishing.delete(row, who=who)


def holders_of(role: Role) -> str:
    """Who has the role, counted, as in "2 people and 1 team have"; empty for nobody."""
    default = Rule.objects.filter(kind=Rule.Kind.DEFAULT_USER)
    counted = (
        (User.objects.filter(role=role).count(), "person", "people"),
        (Team.objects.filter(default_role=role).count(), "team", "teams"),
        (ProvisioningRule.objects.filter(default_role=role).count(), "kind", "kinds of newcomers"),
        (Rule.objects.filter(role=role.name).count(), "rule", "rules"),
        (sum(one.condition.get("role") == role.name for one in default), "default user", ""),
    )
    parts = [f"{number} {one if number == 1 else many}" for number, one, many in counted if number]
    if not parts:
        return ""
    return f"{' and '.join(parts)} {'has' if len(parts) == 1 and parts[0][:2] == '1 ' else 'have'}"


def _save(role: Role, changed: Changed, *, by: User, who: Who) -> PolicyVersion:
    authority.require_flags(by, role)
    publishing.check(role)
    with publishing.naming(lambda error: _field_of(role, error)):
        return publishing.save(role, changed, who=who)


def _field_of(role: Role, error: PolicyError) -> str:
    own = f"roles.{role.name}."
    return error.place.removeprefix(own) if error.place.startswith(own) else ""
