"""Budgets, what was used of them, what questions under way hold; and the counters of rates."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from accounts.models.people import Role, User

LONGEST_DAYS = 3660


class UsageLimit(models.Model):
    """What a person may use in a period: one person, or each person of a role by themselves.

    Empty means no limit of that kind. A person's own limit replaces those of their roles, wholly.
    """

    user = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="usage_limit"
    )
    role = models.OneToOneField(
        Role,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="usage_limit",
        help_text="Each person of the role has this much, instead of one person.",
    )
    period_days = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)]
    )
    max_requests = models.PositiveIntegerField(
        null=True, blank=True, help_text="Questions and direct tool calls."
    )
    max_tokens = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Of the model, read and written."
    )
    max_cost = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="US dollars.",
    )

    class Meta:
        ordering: ClassVar = ["role__name", "user__email"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(user=None, role__isnull=False)
                | models.Q(user__isnull=False, role=None),
                name="a_limit_of_a_person_or_a_role",
                violation_error_message="A limit is of one person or of one role.",
            ),
        ]

    def __str__(self) -> str:
        return f"limit of {self.whose}"

    @property
    def whose(self) -> str:
        """In words, as in "the budget of …"."""
        return f"the role {self.role.name}" if self.role else str(self.user and self.user.email)


class Meter(models.Model):
    """What one person has used of one limit in the window that runs.

    A window begins with the first use after the last one was over, and lasts the limit's period.
    """

    limit = models.ForeignKey(UsageLimit, on_delete=models.CASCADE, related_name="meters")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="meters")
    began_at = models.DateTimeField(default=timezone.now)
    requests = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(default=0, help_text="US dollars.", max_digits=18, decimal_places=8)
    # Questions whose cost nobody knows: each counts as what was held for it.
    unpriced = models.PositiveIntegerField(default=0)
    warned = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["user__email", "limit"]
        verbose_name = "use of a limit"
        verbose_name_plural = "use of limits"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["limit", "user"], name="one_meter_of_a_limit"),
        ]

    def __str__(self) -> str:
        return f"{self.user} of the {self.limit}"

    @property
    def ends_at(self) -> datetime:
        return self.began_at + timedelta(days=self.limit.period_days)

    def roll(self, now: datetime) -> bool:
        """Begin a new window when this one is over; whether it did. The caller saves it."""
        if now < self.ends_at:
            return False
        self.began_at = now
        self.requests = self.tokens = self.unpriced = 0
        self.cost, self.warned = type(self.cost)(0), False
        return True


class Hold(models.Model):
    """What a question under way keeps of a meter: one request, and the most it may use.

    It is gone once the question has ended; nothing else has to be given back.
    """

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="holds")
    holder = models.UUIDField(db_index=True, help_text="The question.")
    # Empty where the limit has none of that kind.
    tokens = models.PositiveBigIntegerField(null=True, blank=True)
    cost = models.DecimalField(null=True, blank=True, max_digits=18, decimal_places=8)
    # Turns of the model that broke off: nobody said what they used, so this is the most.
    lost_tokens = models.PositiveBigIntegerField(default=0)
    lost_cost = models.DecimalField(default=0, max_digits=18, decimal_places=8)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["meter", "holder"], name="one_hold_of_a_question"),
        ]

    def __str__(self) -> str:
        return f"held for {self.holder}"


class Counter(models.Model):
    """How often something happened lately: slot of a moving window → times; `accounts.counters`."""

    name = models.CharField(max_length=255, unique=True)
    slots = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
