"""Calls whose end nobody wrote down: their outcome is unknown, which is said and never guessed."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Max, Value
from django.db.models.functions import Least, Now
from django.utils import timezone

from audit import record
from audit.models import Entry
from audit.record import Who
from gateway import errors
from gateway.asker import Asker
from gateway.models import Call
from registry.models import Server
from registry.patience import LONGEST_TIMEOUT

# Beyond a server's own time, until whoever called it must have died.
GRACE = timedelta(minutes=1)


def settle_lost(row: Call, asker: Asker) -> None:
    """Write down that nobody knows what became of a call that is still `started`, once."""
    values = {
        "state": Call.State.UNKNOWN,
        "error_code": errors.OutcomeUnknown.code,
        "finished_at": timezone.now(),
    }
    with transaction.atomic():
        if Call.objects.filter(pk=row.pk, state=Call.State.STARTED).update(**values):
            record.write(
                Entry.Kind.CALL_CALLED,
                Entry.Outcome.UNKNOWN,
                who=asker.who,
                question=str(row.question_id or ""),
                call=str(row.id),
                server=row.server,
                tool=row.tool,
                fingerprint=row.fingerprint,
                arguments=row.arguments,
                decision=row.decision,
                error_code=errors.OutcomeUnknown.code,
                detail=_story(row),
            )
    row.refresh_from_db()


def _story(row: Call) -> dict[str, str]:
    story = {"message": "The call began, and its answer was never written down."}
    approval = getattr(row, "approval", None)
    return story if approval is None else story | {"approval": str(approval.pk)}


def settle_forgotten() -> int:
    """Settle the calls without a question that must have ended long ago; how many."""
    # A row that came past every door must not stop the settling of all others.
    bounded = Least("timeout_seconds", Value(float(LONGEST_TIMEOUT)))
    longest = max(0, Server.objects.aggregate(longest=Max(bounded))["longest"] or 0)
    forgotten = Call.objects.select_related("person").filter(
        state=Call.State.STARTED,
        question=None,
        created_at__lt=Now() - timedelta(seconds=longest) - GRACE,
    )
    for row in forgotten:
        settle_lost(row, Asker(row.person, Who(person=row.person.email, door=row.door)))
    return len(forgotten)
