"""Rules of alerts as a file asks for them → rows. No YAML; the transaction is the caller's.

A file has the rules that carry its name: what it does not ask for any more is gone. A rule that has
the same name by hand, or by another file, stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.models.alerts import AlertRule


@dataclass(frozen=True)
class AlertSpec:
    """One rule: its name, and the columns that differ from their defaults."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)


SUSPICIOUS: dict[str, Mapping[str, Any]] = {
    "rapid_successive_requests": {
        "kinds": ["question.accepted", "call.calling"],
        "count": 60,
        "window_seconds": 60,
    },
    "after_hours_access": {
        "kinds": ["auth.login", "question.accepted", "call.calling"],
        "hours": "mon-fri 07:00-19:00",
        "quiet_minutes": 720,
    },
    "blocked_tool_attempts": {"kinds": ["call.refused"], "count": 5, "window_seconds": 600},
    "unusual_database_access": {"kinds": ["call.calling"], "unused_days": 30},
}


def watching(person: str) -> AlertSpec:
    """Whatever this person does."""
    address = person.strip().lower()
    return AlertSpec(f"watch {address}", {"filters": {"person": address}, "severity": "info"})


def calling(pattern: str) -> AlertSpec:
    """Any call of a tool that fits."""
    return AlertSpec(f"calls of {pattern}"[:128], {"kinds": ["call.calling"], "tools": [pattern]})


def suspicious(name: str, *, enabled: bool) -> AlertSpec:
    """One of the suspicious patterns."""
    return AlertSpec(name.replace("_", " "), {**SUSPICIOUS[name], "enabled": enabled})


def newcomers() -> AlertSpec:
    """Somebody who is new."""
    return AlertSpec("newcomers", {"kinds": ["person.created"], "each": "", "severity": "info"})


def apply(specs: Sequence[AlertSpec], *, origin: str) -> list[str]:
    """Have the file's rules be these; what changed, a line each."""
    wanted = {spec.name: spec for spec in specs}
    gone = AlertRule.objects.filter(origin=origin).exclude(name__in=wanted)
    changes = [f"alert rule {rule}: deleted" for rule in gone]
    gone.delete()
    for spec in wanted.values():
        changes += _put(spec, origin)
    return changes


def _put(spec: AlertSpec, origin: str) -> list[str]:
    row = AlertRule.objects.filter(name=spec.name).first()
    if row is None:
        AlertRule.objects.create(name=spec.name, origin=origin, **spec.values)
        return [f"alert rule {spec.name}: created"]
    if row.origin != origin:
        return []
    changed = [name for name, value in spec.values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, spec.values[name])
    if changed:
        row.save()
    return [f"alert rule {spec.name}: {', '.join(changed)} changed"] if changed else []
