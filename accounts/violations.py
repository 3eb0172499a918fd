"""Refused calls are counted, and whoever has too many in an hour is suspended.

They are counted on the record, where they stand anyway, since the person was last let in: whoever
an administrator has activated again begins at nothing.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts import switching
from accounts.models import User
from audit import record
from audit.models import Entry
from audit.record import Who

LIMIT = "blocked actions an hour"
HOUR = timedelta(hours=1)


def begin(user: User) -> None:
    """Make those who are refused at once for one person take turns, so that each is counted.

    Called in the transaction that records a refusal, before it is recorded.
    """
    if settings.MAX_BLOCKED_ACTIONS_PER_HOUR:
        User.objects.select_for_update().filter(pk=user.pk).first()


def count(user: User, *, who: Who) -> None:
    """Count what has just been recorded; at the limit say so, and suspend the person.

    Super admins are never suspended by this; it is on the record that they would have been.
    """
    most = settings.MAX_BLOCKED_ACTIONS_PER_HOUR
    if not most:
        return
    person = User.objects.get(pk=user.pk)
    blocked = _blocked_lately(person)
    if blocked < most or person.status != User.Status.ACTIVE:
        return
    suspends = settings.SUSPEND_ON_BLOCKED_ACTIONS and not person.is_superuser
    if blocked == most or suspends:
        _record(person, blocked, suspends=suspends, who=who)
    if suspends:
        switching.suspend(person, by=None, who=who, reason=f"{blocked} {LIMIT}")


def _blocked_lately(person: User) -> int:
    since = timezone.now() - HOUR
    let_in = Entry.objects.filter(
        kind=Entry.Kind.PERSON_CHANGED,
        at__gt=since,
        detail__person=person.email,
        detail__action="activated",
    ).order_by("-pk")
    after = let_in.values_list("pk", flat=True).first() or 0
    blocked = Entry.objects.filter(
        kind=Entry.Kind.CALL_REFUSED,
        error_code="refused",
        person=person.email,
        at__gt=since,
        pk__gt=after,
    )
    return blocked.count()


def _record(person: User, blocked: int, *, suspends: bool, who: Who) -> None:
    record.write(
        Entry.Kind.LIMIT_REACHED,
        Entry.Outcome.REFUSED,
        who=who,
        error_code="blocked_actions",
        detail={"limit": LIMIT, "blocked": blocked, "person": person.email, "suspends": suspends},
    )
