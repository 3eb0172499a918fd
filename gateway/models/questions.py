"""Conversations, questions and the model's turns.

The Question row is the queue: whoever claims it works on it, under a lease that must be renewed.
"""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User


class Door(models.TextChoices):
    """Where a request came in."""

    REST = "rest", "REST"
    WEB = "web", "web page"
    CLI = "cli", "command line"
    SLACK = "slack", "Slack"
    MCP = "mcp", "MCP"


class Conversation(models.Model):
    """Questions that belong together; a later one sees the earlier ones of the same person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    door = models.CharField(max_length=8, choices=Door.choices)
    # What the door calls it, for example a Slack channel and thread.
    external_key = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "door", "external_key"],
                condition=~models.Q(external_key=""),
                name="one_conversation_for_a_thread",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class QuestionQuerySet(models.QuerySet["Question"]):
    """Questions, by what should happen to them next. Leases are judged by the database's clock."""

    def unfinished(self) -> "QuestionQuerySet":
        return self.filter(state__in=Question.UNFINISHED)

    def active(self) -> "QuestionQuerySet":
        """Unfinished and not put aside: these use a worker, or are about to."""
        return self.filter(state__in=Question.ACTIVE)

    def running_of(self, person: User) -> "QuestionQuerySet":
        """Those of a person that count as running at once: one that waits for a yes does not."""
        return self.active().filter(person=person)

    def claimable(self) -> "QuestionQuerySet":
        """Queued, or running under a lease that has run out."""
        return self.filter(
            models.Q(state=Question.State.QUEUED)
            | models.Q(state=Question.State.RUNNING, lease_until__lt=Now())
        )


class Question(models.Model):
    """One question of one person and everything that became of it."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        WAITING = "waiting", "waiting for approval"
        ANSWERED = "answered"
        REFUSED = "refused"
        FAILED = "failed"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    ACTIVE: ClassVar = (State.QUEUED, State.RUNNING)
    UNFINISHED: ClassVar = (*ACTIVE, State.WAITING)
    # What is left of a question's time is never less than this when it goes on: somebody said yes.
    RESUMED_SECONDS: ClassVar = 60.0

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="questions"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="questions"
    )
    door = models.CharField(max_length=8, choices=Door.choices)
    text = models.TextField()
    # Who asked, as the record will say it: role, address, user agent, key, Slack channel.
    origin = models.JSONField(default=dict, blank=True)
    # The servers an API key narrows the person to; null is all they reach.
    only_servers = models.JSONField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=255, blank=True)
    request_digest = models.CharField(max_length=64, blank=True)

    state = models.CharField(
        max_length=16, choices=State.choices, default=State.QUEUED, db_index=True
    )
    owner = models.CharField(max_length=64, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()
    # What was left of its time when it was put aside to wait for approval.
    seconds_left = models.FloatField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)

    answer = models.TextField(blank=True)
    warning = models.CharField(max_length=64, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.TextField(blank=True)
    error_id = models.CharField(max_length=32, blank=True)

    model = models.CharField(max_length=128, blank=True)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    # null is "unknown", which is not 0.
    cost = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True, help_text="US dollars."
    )
    price = models.JSONField(
        null=True, blank=True, help_text="The price row the cost was reckoned with."
    )
    policy_version = models.CharField(max_length=64, blank=True)
    provenance = models.JSONField(
        default=dict, blank=True, help_text="Where the answer's figures are from."
    )
    near_limits = models.JSONField(
        default=list, blank=True, help_text="Budgets that were nearly used up when it ended."
    )

    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="one_question_for_an_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def finished(self) -> bool:
        return self.state not in self.UNFINISHED

    def claim(self, owner: str) -> bool:
        """Take the question for `owner`; False when somebody else holds it or it has ended.

        One conditional UPDATE, so that however often a question is delivered, it is worked on once.
        """
        rows = (
            type(self)
            .objects.filter(pk=self.pk)
            .claimable()
            .update(
                state=self.State.RUNNING,
                owner=owner,
                attempt=models.F("attempt") + 1,
                lease_until=Now() + timedelta(seconds=settings.QUESTION_LEASE),
                started_at=models.functions.Coalesce("started_at", Now()),
            )
        )
        if rows:
            taken = ["state", "owner", "attempt", "lease_until", "started_at", "cancel_requested"]
            self.refresh_from_db(fields=[*taken, "deadline_at", "seconds_left"])
        return rows == 1

    def renew(self) -> bool:
        """Prolong the lease; False when it was lost, and then the owner must stop at once."""
        rows = self._mine().update(lease_until=Now() + timedelta(seconds=settings.QUESTION_LEASE))
        return rows == 1

    def finish(self, state: State, **values: object) -> bool:
        """End in `state`, with `values` for the other columns; False when the lease was lost."""
        values |= {"state": state, "lease_until": None, "finished_at": timezone.now()}
        rows = self._mine().update(**values)
        if rows:
            for name, value in values.items():
                setattr(self, name, value)
        return rows == 1

    def park(self) -> bool:
        """Put it aside to wait for approval; False when it is not ours, or was cancelled.

        It then holds no worker and no lease, and its time does not run.
        """
        rows = (
            self._mine()
            .filter(cancel_requested=False)
            .update(
                state=self.State.WAITING,
                owner="",
                attempt=0,
                lease_until=None,
                seconds_left=max(0.0, (self.deadline_at - timezone.now()).total_seconds()),
            )
        )
        return rows == 1

    def wake(self) -> bool:
        """Put it back in the queue, with the time it had left; False when it does not wait."""
        waiting = type(self).objects.filter(pk=self.pk, state=self.State.WAITING)
        left = waiting.values_list("seconds_left", flat=True).first() or 0.0
        seconds = max(left, min(self.RESUMED_SECONDS, settings.QUESTION_TIMEOUT))
        deadline = timezone.now() + timedelta(seconds=seconds)
        return waiting.update(state=self.State.QUEUED, deadline_at=deadline) == 1

    def _mine(self) -> QuestionQuerySet:
        return type(self).objects.filter(pk=self.pk, state=self.State.RUNNING, owner=self.owner)

    def past_deadline(self, now: datetime | None = None) -> bool:
        return (now or timezone.now()) >= self.deadline_at


class Turn(models.Model):
    """One answer of the model: what it said and which tools it asked for, kept as it came."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="turns")
    number = models.PositiveIntegerField()
    content = models.JSONField(help_text="The assistant's content blocks, replayed unchanged.")
    stop = models.CharField(max_length=32, blank=True)
    model = models.CharField(max_length=128, blank=True)
    usage = models.JSONField(default=dict, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["question", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["question", "number"], name="one_turn_of_a_number"),
        ]

    def __str__(self) -> str:
        return f"turn {self.number}"
