"""What people ask for when the policy has refused them, and what became of it."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models.people import ServerGrant, User


class AccessRequestQuerySet(models.QuerySet["AccessRequest"]):
    """Requests, by whether somebody still has to decide."""

    def open(self) -> "AccessRequestQuerySet":
        return self.filter(state=AccessRequest.State.OPEN)


class AccessRequest(models.Model):
    """One person asks for some tools of one server; somebody else decides, once."""

    class State(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired", "not decided in time"

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_requests")
    server = models.CharField(max_length=64, help_text="The server's name.")
    tools = models.JSONField(default=list, help_text="Patterns, as in a grant.")
    reason = models.TextField(help_text="Why the person needs them.")
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    decided_by = models.CharField(max_length=254, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="What whoever decided has to say.")
    grant = models.ForeignKey(ServerGrant, null=True, blank=True, on_delete=models.SET_NULL)

    objects = AccessRequestQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.person.email} asks for {', '.join(map(str, self.tools))} on {self.server}"

    def close(self, state: State, *, by: str, answer: str = "") -> bool:
        """End the open request; False when it was no longer open, whoever was faster."""
        changed = {"state": state, "decided_by": by, "answer": answer, "decided_at": Now()}
        if not AccessRequest.objects.open().filter(pk=self.pk).update(**changed):
            return False
        self.refresh_from_db()
        return True
