"""Calls of which nobody knows whether they were carried out, and an administrator's word on them.

The call's own answer is lost and stays lost; what is settled is what somebody found out at the
server. It is said once, with how it is known, and stands on the record.
"""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from accounts import authority
from accounts.authority import Right
from audit import record
from audit.models import Entry
from audit.storable import storable
from gateway import errors
from gateway.asker import Asker
from gateway.models import Call, CallQuerySet

MOST_CHARACTERS = 2_000


def may_settle(asker: Asker) -> bool:
    """Whether this person may say what became of calls."""
    return authority.has(asker.user, Right.APPROVE_CALLS)


def to_settle(asker: Asker) -> CallQuerySet:
    """The calls that wait for somebody's word, the oldest first. Raises NotAllowed."""
    authority.require(asker.user, Right.APPROVE_CALLS)
    rows = Call.objects.to_settle().select_related("person")
    return rows if asker.only_servers is None else rows.filter(server__in=asker.only_servers)


def settle(call_id: UUID, *, carried_out: bool, note: str, asker: Asker) -> Call:
    """Say that the call was carried out, or that it was not, and how that is known.

    Raises NotAllowed, BadRequest (no note, or too long a one), NotFound (no call of an unknown
    outcome) and AlreadyDecided.
    """
    authority.require(asker.user, Right.APPROVE_CALLS)
    note = storable(note.replace("\x00", "")).strip()
    if not note or len(note) > MOST_CHARACTERS:
        raise errors.BadRequest(
            f"Say how it is known, in at most {MOST_CHARACTERS} characters.", field="note"
        )
    row = _find(call_id, asker)
    with transaction.atomic():
        said = Call.Settled.CARRIED_OUT if carried_out else Call.Settled.NOT_CARRIED_OUT
        who = asker.user.email
        waits = Call.objects.to_settle().filter(pk=row.pk)
        if not waits.update(settled=said, settled_by=who, settled_at=Now(), settled_note=note):
            row.refresh_from_db()
            raise errors.AlreadyDecided(f"{row.settled_by} has said: {row.get_settled_display()}.")
        row.refresh_from_db()
        _record(row, asker)
    return row


def _find(call_id: UUID, asker: Asker) -> Call:
    rows = Call.objects.filter(pk=call_id, state=Call.State.UNKNOWN).select_related("person")
    if asker.only_servers is not None:
        rows = rows.filter(server__in=asker.only_servers)
    row = rows.first()
    if row is None:
        raise errors.NotFound("There is no such call of an unknown outcome.")
    return row


def _record(row: Call, asker: Asker) -> None:
    record.write(
        Entry.Kind.CALL_SETTLED,
        Entry.Outcome.OK if row.settled == Call.Settled.CARRIED_OUT else Entry.Outcome.FAILED,
        who=asker.who,
        question=str(row.question_id or ""),
        call=str(row.pk),
        server=row.server,
        tool=row.tool,
        fingerprint=row.fingerprint,
        arguments=row.arguments,
        detail={"settled": row.settled, "note": row.settled_note, "caller": row.person.email},
    )
