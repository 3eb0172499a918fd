"""Approvals: one person's call, and another person's yes or no to exactly that call."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from gateway.models.calls import Call
from gateway.models.questions import Door, Question


class ApprovalQuerySet(models.QuerySet["Approval"]):
    """Approvals, by what may still happen to them. Expiry is judged by the database's clock."""

    def open(self) -> "ApprovalQuerySet":
        """Waiting, or approved and not used: these can still lead to a call."""
        return self.filter(state__in=Approval.OPEN)

    def waiting(self) -> "ApprovalQuerySet":
        """Those that somebody may decide on now."""
        return self.filter(state=Approval.State.WAITING, expires_at__gt=Now())

    def overdue(self) -> "ApprovalQuerySet":
        return self.open().filter(expires_at__lte=Now())


class Approval(models.Model):
    """One call that waits for a person's yes; what was decided, and the call it became.

    It is good for one call only, and for exactly the one whose digest it carries. `arguments` are
    redacted, to be shown; the real ones stay where they were (in the question's turn, or with
    whoever called) and must have this digest when the call is made.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        APPROVED = "approved"
        REFUSED = "refused"
        EXPIRED = "expired"
        USED = "used"
        CANCELLED = "cancelled"
        OUTDATED = "outdated", "outdated: asked anew"

    OPEN: ClassVar = (State.WAITING, State.APPROVED)
    # Of these a step has one at most.
    IN_FORCE: ClassVar = (*OPEN, State.REFUSED, State.EXPIRED, State.USED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="approvals_asked"
    )
    door = models.CharField(max_length=8, choices=Door.choices)
    # Both empty for a direct call.
    question = models.ForeignKey(
        Question, null=True, blank=True, on_delete=models.CASCADE, related_name="approvals"
    )
    step = models.CharField(max_length=128, blank=True)

    server = models.CharField(max_length=64)
    tool = models.CharField(max_length=255)
    arguments = models.JSONField(default=dict, help_text="Secrets in it are left out.")
    fingerprint = models.CharField(max_length=64)
    policy_version = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    decision = models.JSONField(default=dict, help_text="Which layer and rule asked.")

    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="approvals_decided",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    call = models.OneToOneField(
        Call, null=True, blank=True, on_delete=models.SET_NULL, related_name="approval"
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["digest"],
                condition=models.Q(question=None, state="waiting"),
                name="one_waiting_approval_for_a_direct_call",
            ),
            models.UniqueConstraint(
                fields=["question", "step"],
                condition=models.Q(
                    question__isnull=False,
                    state__in=["waiting", "approved", "refused", "expired", "used"],
                ),
                name="one_approval_for_a_step",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"],
                condition=models.Q(state__in=["waiting", "approved"]),
                name="approvals_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.server}/{self.tool} for {self.person}"

    @property
    def url(self) -> str:
        return f"/api/approvals/{self.pk}"

    def decide(self, state: State, *, by: User, reason: str) -> bool:
        """Put the decision down; False when there is one already, or it came too late.

        One conditional UPDATE: of two who decide at once, one has. A yes must be used soon.
        """
        values: dict[str, object] = {
            "state": state,
            "decided_by": by,
            "decided_at": timezone.now(),
            "reason": reason,
        }
        if state == self.State.APPROVED:
            values["expires_at"] = Now() + timedelta(minutes=settings.APPROVAL_USE_MINUTES)
        rows = type(self).objects.filter(pk=self.pk).waiting().update(**values)
        if rows:
            self.refresh_from_db()
        return rows == 1

    def use(self, call: Call) -> bool:
        """Use the yes up for this call; False when it is used, too old, or was never given."""
        unused = type(self).objects.filter(
            pk=self.pk, state=self.State.APPROVED, expires_at__gt=Now()
        )
        return unused.update(state=self.State.USED, call=call) == 1

    def close(self, state: State) -> bool:
        """End it without a call; False when it had ended."""
        return type(self).objects.filter(pk=self.pk).open().update(state=state) == 1
