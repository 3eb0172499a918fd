"""The journal of calls: what was sent to a tool, for whom, and what became of it."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from gateway.models.questions import Door, Question


class CallQuerySet(models.QuerySet["Call"]):
    """Calls, by what is known of them."""

    def to_settle(self) -> "CallQuerySet":
        """Calls of which nobody knows whether they were carried out, and nobody has said so yet."""
        return self.filter(state=Call.State.UNKNOWN, settled="")


class Call(models.Model):
    """The journal of calls: a row is committed before anything is sent, and settled after.

    A row still `started` after its worker has died is an outcome nobody knows.
    """

    class State(models.TextChoices):
        STARTED = "started"
        DONE = "done"
        FAILED = "failed"
        REFUSED = "refused"
        UNKNOWN = "unknown", "outcome unknown"

    class Settled(models.TextChoices):
        CARRIED_OUT = "carried_out", "it was carried out"
        NOT_CARRIED_OUT = "not_carried_out", "it was not carried out"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    question = models.ForeignKey(
        Question, null=True, blank=True, on_delete=models.CASCADE, related_name="calls"
    )
    # The model's id of this tool use; unique within a question.
    step = models.CharField(max_length=128, blank=True)
    instead_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="stood_in_by",
        db_index=False,
        help_text="The call of a server that could not be reached, which this one stands in for.",
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calls"
    )
    door = models.CharField(max_length=8, choices=Door.choices)
    server = models.CharField(max_length=64)
    tool = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, blank=True)
    arguments = models.JSONField(default=dict)
    repeatable = models.BooleanField(default=False, help_text="Declared read-only or idempotent.")
    state = models.CharField(max_length=16, choices=State.choices, default=State.STARTED)
    # What the model and the person see of the result, whole; `read_result` pages through it.
    text = models.TextField(blank=True)
    result = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    decision = models.JSONField(default=dict, blank=True)
    # An administrator's word on an unknown outcome. The state stays: the call's own answer is lost.
    settled = models.CharField(max_length=16, choices=Settled.choices, blank=True)
    settled_by = models.CharField(max_length=254, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_note = models.TextField(blank=True)
    milliseconds = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["question", "step"],
                condition=~models.Q(step=""),
                name="one_call_for_a_step",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(state="started"),
                name="calls_under_way",
            ),
            models.Index(
                fields=["created_at"],
                condition=models.Q(state="unknown", settled=""),
                name="calls_to_settle",
            ),
            models.Index(
                fields=["instead_of"],
                condition=models.Q(instead_of__isnull=False),
                name="calls_that_stand_in",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.server}/{self.tool}"
