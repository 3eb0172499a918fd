"""How the ways out of the record fare."""

from django.db import models


class Outlet(models.Model):
    """One way out: when it last worked, and since when and why it does not."""

    name = models.CharField(primary_key=True, max_length=64)
    sent_at = models.DateTimeField(null=True, blank=True)
    entries = models.PositiveBigIntegerField(default=0, help_text="Sent so far.")
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    error = models.CharField(max_length=300, blank=True)
    rests_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
