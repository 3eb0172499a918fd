"""Send what waits to be sent: at least once, with pauses that grow, given up after a day.

The row was written with what it tells of, so nothing that was to be told is lost; its id lets the
other side tell a message that comes twice.
"""

import logging
import smtplib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from audit.redact import redact_text
from gateway.alerts import mail, message, webhook
from gateway.alerts.incidents import Event
from gateway.models.alerts import Destination, Notice
from registry.errors import RegistryError
from registry.mcp.errors import UpstreamError

log = logging.getLogger(__name__)

# A job's turn; what is left waits for the next one.
SECONDS = 30.0
# Longer than any one try takes: whoever died with it has it tried anew after this.
LEASE_SECONDS = 60.0
PAUSES = (10, 30, 120, 600, 1800)
GIVEN_UP_AFTER = timedelta(days=1)
KEPT = timedelta(days=90)
FAILURES = (webhook.NotTaken, UpstreamError, RegistryError, smtplib.SMTPException, OSError)

State = Notice.State


def deliver() -> int:
    """Send what is due, and say how many were sent.

    A destination that fails is not tried again before its pause is over, whatever else is for it:
    one that is gone costs the others one try's time, however many messages wait for it.
    """
    sent, failing, begun = 0, set[int](), time.monotonic()
    while time.monotonic() - begun < SECONDS:
        due = Notice.objects.due().exclude(destination__in=failing).order_by("created_at")
        one = due.select_related("destination").first()
        if one is None:
            break
        if not one.claim(LEASE_SECONDS):
            continue
        if attempt(one):
            sent += 1
        else:
            failing.add(one.destination_id)
            _hold_back(one)
    return sent


def _hold_back(failed: Notice) -> None:
    others = Notice.objects.due().filter(destination=failed.destination)
    others.update(due_at=failed.due_at)


@dataclass(frozen=True)
class Undelivered:
    """Messages of alerts that nobody has got: those that wait, and since when the oldest does."""

    waiting: int
    oldest_seconds: int
    given_up: int


def undelivered() -> Undelivered:
    """What waits now, and what was given up within the last day."""
    waiting = Notice.objects.filter(state=State.WAITING).exclude(event=Event.TEST)
    oldest = waiting.order_by("created_at").values_list("created_at", flat=True).first()
    seconds = round((timezone.now() - oldest).total_seconds()) if oldest else 0
    lately = timezone.now() - GIVEN_UP_AFTER
    given_up = Notice.objects.filter(state=State.GIVEN_UP, due_at__gt=lately)
    return Undelivered(waiting.count(), seconds, given_up.exclude(event=Event.TEST).count())


def forget() -> int:
    """Remove what was told long ago; the record keeps that it was."""
    done = Notice.objects.exclude(state=State.WAITING)
    return done.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def attempt(notice: Notice) -> bool:
    """One try of a notice that is ours; True when it was taken."""
    try:
        if not notice.destination.enabled:
            raise webhook.NotTaken("The destination is switched off.")
        _SENDERS[notice.destination.kind](notice)
    except FAILURES as failure:
        _put_off(notice, str(failure))
        return False
    except Exception:
        # Whatever is wrong with one must not keep the others back.
        log.exception("an alert could not be sent", extra={"notice": str(notice.pk)})
        _put_off(notice, "Something went wrong on our side; the log says what.")
        return False
    notice.state, notice.sent_at, notice.error = State.SENT, timezone.now(), ""
    notice.save(update_fields=["state", "sent_at", "error"])
    return True


def _put_off(notice: Notice, error: str) -> None:
    pause = PAUSES[min(notice.attempts, len(PAUSES)) - 1]
    now = timezone.now()
    notice.error = " ".join(redact_text(error).split())[:300]
    notice.due_at = now + timedelta(seconds=pause)
    if now - notice.created_at > GIVEN_UP_AFTER or notice.event == Event.TEST:
        notice.state = State.GIVEN_UP
    notice.save(update_fields=["error", "due_at", "state"])


def try_out(destination: Destination) -> Notice:
    """Send a test message there now, once; what became of it."""
    notice = Notice.objects.create(
        destination=destination, event=Event.TEST, message=message.test(timezone.now())
    )
    if notice.claim(LEASE_SECONDS):
        attempt(notice)
    return notice


_SENDERS: dict[str, Callable[[Notice], None]] = {
    Destination.Kind.WEBHOOK: webhook.send,
    Destination.Kind.EMAIL: mail.send,
}
