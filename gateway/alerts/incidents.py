"""What becomes of what a rule finds: one incident of a cause, told once and again when it lasts.

An incident that is not resolved takes in whatever more is found. It is told when it opens, when it
still goes on after the rule's quiet time, and when it is over; not once for every entry. One that
ended by itself and begins anew within the quiet time is the same incident, opened again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from audit import record
from audit.models import Entry
from audit.record import NOBODY, Who
from gateway.alerts import message
from gateway.models.alerts import AlertRule, Destination, Incident, Notice, Severity
from registry.models import Server

State = Incident.State
# So many causes of one rule are told of one by one; then there is something larger going on.
MOST_CAUSES = 50
OTHERS = "many others"


class Event(StrEnum):
    """What is told of an incident."""

    OPENED = "opened"
    AGAIN = "again"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    TEST = "test"


@dataclass(frozen=True)
class Found:
    """What a rule has found of one cause: when last, how many entries since when, their filters."""

    cause: str
    at: datetime
    count: int = 1
    first_entry: int | None = None
    last_entry: int | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None


def note(rule: AlertRule, found: Found) -> Incident:
    """Put down what was found, and tell of it where that is due; in the caller's transaction."""
    incident = standing(rule, found.cause) or _ended_lately(rule, found)
    if incident is None:
        if found.cause != OTHERS and _is_full(rule):
            return note(rule, _as_one_of_many(rule, found))
        return _open(rule, found)
    incident.count += found.count
    incident.last_at = max(found.at, incident.last_at)
    incident.last_entry = found.last_entry or incident.last_entry
    incident.detail = dict(incident.detail) | dict(found.detail)
    if incident.state == State.RESOLVED:
        incident.state, incident.resolved_at = State.OPEN, None
        _tell(incident, Event.REOPENED)
    elif incident.state == State.OPEN and timezone.now() - incident.told_at >= rule.quiet:
        _tell(incident, Event.AGAIN)
    incident.save()
    return incident


def standing(rule: AlertRule, cause: str) -> Incident | None:
    """The incident of this cause that is not resolved."""
    of_cause = Incident.objects.select_for_update().filter(rule=rule, cause=cause[:300])
    return of_cause.unresolved().first()


def counted_up_to(rule: AlertRule, cause: str) -> int:
    """The last entry that belongs to an incident of this cause; 0 where there was none."""
    of_cause = Incident.objects.filter(rule=rule, cause=cause[:300], last_entry__isnull=False)
    return of_cause.order_by("-pk").values_list("last_entry", flat=True).first() or 0


def _is_full(rule: AlertRule) -> bool:
    return Incident.objects.filter(rule=rule).unresolved().count() >= MOST_CAUSES


def _as_one_of_many(rule: AlertRule, found: Found) -> Found:
    filters = {name: value for name, value in found.filters.items() if name != rule.each}
    return replace(found, cause=OTHERS, filters=filters, detail={"latest": found.cause})


def _ended_lately(rule: AlertRule, found: Found) -> Incident | None:
    ended = Incident.objects.select_for_update().filter(
        rule=rule,
        cause=found.cause[:300],
        state=State.RESOLVED,
        decided_by=None,
        resolved_at__gt=timezone.now() - rule.quiet,
    )
    return ended.order_by("-pk").first()


def _open(rule: AlertRule, found: Found) -> Incident:
    now = timezone.now()
    incident = Incident(
        rule=rule,
        name=rule.name,
        severity=rule.severity,
        cause=found.cause[:300],
        count=found.count,
        opened_at=found.since or found.at,
        last_at=found.at,
        told_at=now,
        first_entry=found.first_entry,
        last_entry=found.last_entry,
        filters=dict(found.filters),
        detail=dict(found.detail),
    )
    incident.save()
    _tell(incident, Event.OPENED)
    incident.save(update_fields=["told_at"])
    return incident


# --- What ends it ---------------------------------------------------------------------------------
def acknowledge(incident: Incident, *, by: User, who: Who) -> bool:
    """Somebody has it in hand: it is not told again while it lasts. False when it was not open."""
    return _decide(incident, (State.OPEN,), State.ACKNOWLEDGED, by=by, who=who)


def resolve(incident: Incident, *, by: User, who: Who) -> bool:
    """Somebody says that it is over. What comes later is another incident."""
    unresolved = (State.OPEN, State.ACKNOWLEDGED)
    return _decide(incident, unresolved, State.RESOLVED, by=by, who=who)


@transaction.atomic
def _decide(incident: Incident, before: Iterable[str], after: State, *, by: User, who: Who) -> bool:
    values: dict[str, Any] = {"state": after, "decided_by": by}
    if after == State.RESOLVED:
        values["resolved_at"] = timezone.now()
    rows = Incident.objects.filter(pk=incident.pk, state__in=[*before]).update(**values)
    if rows:
        incident.refresh_from_db()
        _tell(incident, Event(after.value), who=who)
    return rows == 1


def end(incident: Incident) -> None:
    """It is over by itself; in the caller's transaction."""
    incident.state, incident.resolved_at = State.RESOLVED, timezone.now()
    incident.decided_by = None
    incident.save()
    _tell(incident, Event.RESOLVED)


def end_quiet() -> int:
    """End what has not gone on for its rule's quiet time; a server that is down is down till up.

    Or until nobody looks any more: it is registered no longer, or the rule is switched off.
    """
    ended = 0
    now = timezone.now()
    unresolved = Incident.objects.unresolved().exclude(_still_looked_at())
    for pk in unresolved.filter(last_at__lt=now).values_list("pk", flat=True):
        with transaction.atomic():
            held = Incident.objects.select_for_update().filter(pk=pk).unresolved()
            incident = held.filter(last_at__lt=now).first()
            if incident is not None and _is_quiet(incident, now):
                end(incident)
                ended += 1
    return ended


def _still_looked_at() -> Q:
    names = Server.objects.enabled().values_list("name", flat=True)
    causes = [f"server {name}" for name in names]
    looked_at = Q(rule__kind=AlertRule.Kind.SERVER_DOWN, rule__enabled=True)
    return looked_at & Q(cause__in=causes)


def _is_quiet(incident: Incident, now: datetime) -> bool:
    return incident.rule is None or incident.last_at + incident.rule.quiet <= now


# --- Telling --------------------------------------------------------------------------------------
def _tell(incident: Incident, event: Event, *, who: Who = NOBODY) -> None:
    """The entry on the record, and a message to every destination that wants to know."""
    now = timezone.now()
    incident.told_at = now
    text = message.of(incident, event, now)
    record.write(
        Entry.Kind.ALERT_RAISED,
        Entry.Outcome.OK,
        who=who,
        server=incident.filters.get("server", ""),
        tool=incident.filters.get("tool", ""),
        detail=text,
    )
    wanting = Destination.objects.filter(enabled=True, least__in=Severity.up_to(incident.severity))
    Notice.objects.bulk_create(
        Notice(destination=one, incident=incident, event=event, message=text) for one in wanting
    )
