"""What Slack has sent and what Slack must still get: two tables that outlive any process.

Both are queues in the way `gateway.models.Question` is one: a row is claimed by one conditional
UPDATE, judged by the database's clock, and whoever claimed it may lose it again by taking too long.
"""

from datetime import timedelta
from typing import Any, ClassVar

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from gateway.models import Question


class SeenRequestQuerySet(models.QuerySet["SeenRequest"]):
    """Requests by what should happen to them next."""

    def free(self) -> "SeenRequestQuerySet":
        """Not finished, and nobody is at it."""
        return self.filter(
            models.Q(leased_until=None) | models.Q(leased_until__lt=Now()), done_at=None
        )

    def forgotten(self) -> "SeenRequestQuerySet":
        """Free for so long that whoever should have begun must have died."""
        return self.free().filter(received_at__lt=Now() - SeenRequest.OVERDUE)

    def outdated(self) -> "SeenRequestQuerySet":
        """Finished, and too old for its signature to be accepted again."""
        return self.filter(received_at__lt=Now() - SeenRequest.KEPT).exclude(done_at=None)


class SeenRequest(models.Model):
    """A signed request that was let in; the same signature or event is never let in again.

    For a slash command it also keeps what was asked, so that an acknowledged question is not lost
    with the process that acknowledged it. `command` is emptied when the request is done.
    """

    KEPT: ClassVar = timedelta(minutes=10)
    OVERDUE: ClassVar = timedelta(seconds=10)
    LEASE: ClassVar = timedelta(seconds=60)
    MAX_ATTEMPTS: ClassVar = 3

    signature = models.CharField(max_length=128, unique=True)
    # Slack's event_id or trigger_id; a request that Slack itself sends again has a new signature.
    event = models.CharField(max_length=255, unique=True, null=True)
    command = models.JSONField(default=dict)
    attempts = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    received_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    objects = SeenRequestQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["received_at"]
        verbose_name = "Slack request"

    def __str__(self) -> str:
        return self.event or self.signature

    @classmethod
    def let_in(cls, signature: str, event: str, command: dict[str, Any]) -> "SeenRequest | None":
        """The new row, or None when this request has been here before."""
        done = None if command else timezone.now()
        try:
            with transaction.atomic():
                return cls.objects.create(
                    signature=signature, event=event or None, command=command, done_at=done
                )
        except IntegrityError:
            return None

    def claim(self) -> bool:
        """Take the request; False when somebody else has it or it is done."""
        rows = (
            type(self)
            .objects.filter(pk=self.pk)
            .free()
            .update(attempts=models.F("attempts") + 1, leased_until=Now() + self.LEASE)
        )
        if rows:
            self.refresh_from_db()
        return rows == 1

    def release(self) -> None:
        """Give the request back to be tried again."""
        type(self).objects.filter(pk=self.pk, attempts=self.attempts).update(leased_until=None)

    def finish(self) -> None:
        """Nothing is left to do; only the signature and the event are kept, for a while."""
        self.command, self.done_at = {}, timezone.now()
        self.save(update_fields=["command", "done_at"])


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries by what should happen to them next."""

    def due(self) -> "DeliveryQuerySet":
        """Still to be sent, nobody is at it, and any pause Slack asked for is over."""
        return self.filter(
            models.Q(not_before=None) | models.Q(not_before__lte=Now()),
            state=Delivery.State.PENDING,
        )


class Delivery(models.Model):
    """One answer that must reach its Slack thread.

    `not_before` is both the lease of whoever is sending and the pause before the next attempt.
    `parts_sent` lets an attempt go on where the one before stopped.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        FAILED = "failed"

    LEASE: ClassVar = timedelta(seconds=60)

    question = models.OneToOneField(
        Question, on_delete=models.CASCADE, related_name="slack_delivery"
    )
    channel = models.CharField(max_length=32)
    thread_ts = models.CharField(max_length=32)
    state = models.CharField(
        max_length=8, choices=State.choices, default=State.PENDING, db_index=True
    )
    attempts = models.PositiveIntegerField(default=0)
    parts_sent = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        verbose_name = "Slack delivery"
        verbose_name_plural = "Slack deliveries"

    def __str__(self) -> str:
        return f"{self.channel}:{self.thread_ts}"

    @classmethod
    def of(cls, question: Question) -> "Delivery":
        """The delivery of a question that came from Slack, made now if nobody has made it."""
        channel, _, thread_ts = question.conversation.external_key.rpartition(":")
        return cls.objects.get_or_create(
            question=question, defaults={"channel": channel, "thread_ts": thread_ts}
        )[0]

    def claim(self) -> bool:
        """Take the delivery for one attempt; False when it is not due or somebody else has it."""
        rows = (
            type(self)
            .objects.filter(pk=self.pk)
            .due()
            .update(attempts=models.F("attempts") + 1, not_before=Now() + self.LEASE)
        )
        if rows:
            self.refresh_from_db()
        return rows == 1

    def part_sent(self) -> bool:
        """Count one more part and prolong the lease; False when it was lost: sending must stop."""
        self.parts_sent += 1
        return self._mine().update(parts_sent=self.parts_sent, not_before=Now() + self.LEASE) == 1

    def sent(self) -> None:
        """Everything has reached the thread."""
        self._mine().update(
            state=self.State.SENT, sent_at=timezone.now(), not_before=None, error=""
        )

    def retry_in(self, pause: timedelta, error: str) -> None:
        """This attempt failed; the next one may come after `pause`."""
        self._mine().update(not_before=Now() + pause, error=error)

    def failed(self, error: str) -> None:
        """Given up; the answer stays on the question."""
        self._mine().update(state=self.State.FAILED, not_before=None, error=error)

    def _mine(self) -> DeliveryQuerySet:
        """This row for as long as nobody has claimed it after us."""
        return type(self).objects.filter(
            pk=self.pk, state=self.State.PENDING, attempts=self.attempts
        )
