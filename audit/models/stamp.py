"""Marks that say which tables have changed."""

import secrets
from typing import ClassVar

from django.db import models


class Stamp(models.Model):
    """A mark that a trigger renews when one of its tables changes; see `audit.stamps`."""

    name = models.CharField(max_length=32)
    slot = models.PositiveSmallIntegerField()
    mark = models.CharField(max_length=36)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "slot"], name="one_mark_for_a_slot"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.mark}"

    @staticmethod
    def fresh() -> str:
        """A mark that has never been."""
        return secrets.token_hex(16)
