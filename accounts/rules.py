"""Rules: made, changed, deleted. Each is in force at once, or is not there."""

from collections.abc import Mapping
from typing import Any

from accounts import authority, publishing
from accounts.errors import BadValue
from accounts.models import PolicyVersion, Rule, User
from accounts.policy import PolicyError
from audit import changes
from audit.changes import Changed
from audit.record import Who

TOLD = ("kind", "server", "role", "name", "mode", "patterns", "condition", "position")
_Kind = Rule.Kind
# Which columns count, by kind, and which of them there must be; see the table at `Rule`.
_COUNT = {
    _Kind.DEFAULT_EFFECT: ("mode",),
    _Kind.BLOCKED: ("patterns",),
    _Kind.ADMIN_ONLY: ("patterns",),
    _Kind.CONFIRM: ("server", "mode", "patterns"),
    _Kind.GROUP: ("name", "patterns"),
    _Kind.EXPOSURE: ("server", "mode", "patterns"),
    _Kind.ROLE: ("server", "role", "mode", "patterns"),
    _Kind.ARGUMENT: ("name", "patterns", "condition"),
    _Kind.DEFAULT_USER: ("condition",),
}
_NEEDED = {
    _Kind.DEFAULT_EFFECT: ("mode",),
    _Kind.BLOCKED: ("patterns",),
    _Kind.ADMIN_ONLY: ("patterns",),
    _Kind.GROUP: ("name",),
    _Kind.EXPOSURE: ("server", "mode"),
    _Kind.ROLE: ("server", "role", "mode"),
    _Kind.ARGUMENT: ("patterns", "condition"),
}
_CONTENT = ("server", "role", "name", "mode", "patterns", "condition")


def create(values: Mapping[str, Any], *, by: User, who: Who) -> tuple[Rule, PolicyVersion]:
    """Make a rule; it and the version of the policy that it made."""
    rule = Rule()
    changed = changes.apply(rule, values, told=TOLD)
    return rule, _save(rule, changed, by=by, who=who)


def change(
    rule: Rule, values: Mapping[str, Any], *, by: User, who: Who
) -> tuple[Rule, PolicyVersion]:
    """Give the rule these values."""
    with publishing.held(rule, by=by, require=authority.require_rule) as row:
        changed = changes.apply(row, values, told=TOLD)
        return row, _save(row, changed, by=by, who=who)


def delete(rule: Rule, *, by: User, who: Who) -> PolicyVersion:
    """Delete the rule; Conflict when the rest would make no policy without it."""
    held = publishing.held(rule, by=by, require=authority.require_rule)
    with held as row, publishing.needed():
        return publishing.delete(row, who=who)


def _save(rule: Rule, changed: Changed, *, by: User, who: Who) -> PolicyVersion:
    publishing.check(rule)
    _check_columns(rule)
    authority.require_rule(by, rule)
    with publishing.naming(lambda error: _field_of(rule, error)):
        return publishing.save(rule, changed, who=who)


def _check_columns(rule: Rule) -> None:
    """A column that would be read by nobody, or that is missing, is an error that names it."""
    count = _COUNT[_Kind(rule.kind)]
    for name in _CONTENT:
        if getattr(rule, name) and name not in count:
            known = ", ".join(count)
            message = f"This has no effect for the kind {rule.kind}; what counts: {known}."
            raise BadValue(message, field=name)
    for name in _NEEDED.get(_Kind(rule.kind), ()):
        if not getattr(rule, name):
            raise BadValue(f"A rule of the kind {rule.kind} needs this.", field=name)


def _field_of(rule: Rule, error: PolicyError) -> str:
    """The column that the place in the policy's document was read from."""
    *before, last = error.place.split(".")
    if rule.kind == _Kind.ARGUMENT and last != "tools":
        return "condition" if last.isdigit() else f"condition.{last}"
    if rule.kind == _Kind.DEFAULT_USER:
        return error.place.replace("default_user", "condition", 1)
    if before in ([], ["servers"]):
        return "server" if before else "patterns"
    unknown = error.problem.startswith("unknown") or " is unknown" in error.problem
    return "mode" if unknown or last == "mode" else "patterns"
