"""How far somebody who reads along with the record has come."""

from datetime import datetime

from django.db import models
from django.db.models import Q


class FollowerQuerySet(models.QuerySet["Follower"]):
    def free(self, now: datetime) -> "FollowerQuerySet":
        """Those that no process reads for at the moment, or only one that has died."""
        return self.filter(Q(leased_until=None) | Q(leased_until__lte=now))


class Follower(models.Model):
    """A reader by name, and the number of the block it has read last; see `audit.following`.

    `owner` and `leased_until` name the process that works for a reader with effects outside the
    database, as long as it does. `erased` counts what was erased meanwhile: who read before has
    read what may be written no more.
    """

    name = models.CharField(primary_key=True, max_length=64)
    block = models.PositiveBigIntegerField(default=0)
    moved_at = models.DateTimeField(null=True, blank=True)
    owner = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    erased = models.PositiveBigIntegerField(default=0)

    objects = FollowerQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} has read block {self.block}"
