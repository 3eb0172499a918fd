"""What time does to grants: at their end they are over by themselves, and the record says so."""

from django.db import transaction

from accounts.models import ServerGrant
from audit import record
from audit.models import Entry


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
        record.write(
            Entry.Kind.GRANT_EXPIRED,
            Entry.Outcome.EXPIRED,
            server=grant.server,
            detail={
                "grant": grant.pk,
                "person": grant.user.email,
                "tools": grant.tools,
                "until": str(grant.expires_at),
                "granted_by": grant.granted_by,
            },
        )
    return True
