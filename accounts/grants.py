"""Grants: given until a day, taken back, and over by themselves at their end, on the record."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import access, authority
from accounts.errors import BadValue
from accounts.models import ServerGrant, User
from accounts.policy import PatternError, check_granted
from audit import record
from audit.models import Entry
from audit.record import Who


def give(
    person: User,
    *,
    server: str,
    tools: Iterable[str],
    by: User,
    who: Who,
    until: datetime | None = None,
    reason: str = "",
) -> ServerGrant:
    """Add to what the person reaches, until a day (without one, the usual time)."""
    authority.require_over(by, person)
    with transaction.atomic():
        grant = ServerGrant.objects.create(
            user=person,
            server=server,
            tools=list(_checked(tools)),
            expires_at=end_of(until),
            granted_by=by.email,
            reason=reason,
        )
        _record(Entry.Kind.GRANT_GIVEN, Entry.Outcome.OK, grant, who=who, reason=reason)
    return grant


def revoke(grant: ServerGrant, *, by: User, who: Who) -> None:
    """Take the grant back, whether or not it is over."""
    authority.require_over(by, grant.user)
    with transaction.atomic():
        row = ServerGrant.objects.select_for_update().filter(pk=grant.pk).first()
        if row is not None:
            _record(Entry.Kind.GRANT_REVOKED, Entry.Outcome.OK, row, who=who)
            row.delete()


def usual_end() -> datetime:
    """When a grant ends that nobody gave another end."""
    return timezone.now() + timedelta(days=min(settings.GRANT_DAYS, settings.GRANT_MAX_DAYS))


def end_of(until: datetime | None) -> datetime:
    """The end as it was asked for, or the usual one. Raises BadValue for one that may not be."""
    now = timezone.now()
    until = until or usual_end()
    if until <= now:
        raise BadValue("A grant ends in the future.", field="until")
    if until > now + timedelta(days=settings.GRANT_MAX_DAYS):
        days = settings.GRANT_MAX_DAYS
        raise BadValue(f"A grant ends after at most {days} days.", field="until")
    return until


def note_ended() -> int:
    """Put the end of every grant that is over on the record, each once; how many were new."""
    ended = ServerGrant.objects.ended_unnoted().select_related("user")
    return sum(_note(grant) for grant in ended)


def _note(grant: ServerGrant) -> bool:
    mine = ServerGrant.objects.ended_unnoted().filter(pk=grant.pk, expires_at=grant.expires_at)
    with transaction.atomic():
        # Whoever changes the row writes the entry; another process finds it changed.
        if not mine.update(end_noted=grant.expires_at):
            return False
        _record(Entry.Kind.GRANT_EXPIRED, Entry.Outcome.EXPIRED, grant, who=record.NOBODY)
    return True


def _checked(tools: Iterable[str]) -> tuple[str, ...]:
    try:
        patterns = tuple(dict.fromkeys(check_granted(tools)))
        # A group that is not there would make the person's whole reach unreadable.
        access.current()[0].patterns(patterns)
    except PatternError as error:
        raise BadValue(f"{error}.", field="tools") from None
    return patterns


def _record(
    kind: Entry.Kind, outcome: Entry.Outcome, grant: ServerGrant, *, who: Who, **more: object
) -> None:
    detail = {
        "grant": grant.pk,
        "person": grant.user.email,
        "tools": grant.tools,
        "until": str(grant.expires_at),
        "granted_by": grant.granted_by,
    }
    record.write(kind, outcome, who=who, server=grant.server, detail=detail | more)
