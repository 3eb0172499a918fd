"""What the record adds up to, by hour, day and week; made and read by audit's own rooms."""

from typing import ClassVar

from django.db import models


class Rollup(models.Model):
    """The sums of an hour, day or week (UTC; from Monday) over everything or a dimension's name.

    `audit.rollup` counts each sealed entry once. Of a tool, `within` is its server; of a rule, its
    layer. A question's tokens and cost are a server's and a tool's by the share of its calls.
    """

    class Granularity(models.TextChoices):
        HOUR = "hour"
        DAY = "day"
        WEEK = "week"

    class Dimension(models.TextChoices):
        TOTAL = "total"
        ROLE = "role"
        PERSON = "person"
        DOOR = "door"
        SERVER = "server"
        TOOL = "tool"
        RULE = "rule"
        ERROR = "error"

    granularity = models.CharField(max_length=4, choices=Granularity.choices)
    dimension = models.CharField(max_length=8, choices=Dimension.choices)
    start = models.DateTimeField()
    within = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=255, blank=True)

    questions = models.PositiveBigIntegerField(default=0, help_text="Accepted.")
    turned_away = models.PositiveBigIntegerField(default=0, help_text="Not accepted.")
    answered = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0, help_text="Ended so, as the next three.")
    failed = models.PositiveBigIntegerField(default=0)
    cancelled = models.PositiveBigIntegerField(default=0)
    expired = models.PositiveBigIntegerField(default=0)
    turns = models.PositiveBigIntegerField(default=0, help_text="Of the model.")
    calls = models.PositiveBigIntegerField(default=0, help_text="Made.")
    calls_failed = models.PositiveBigIntegerField(default=0)
    calls_unknown = models.PositiveBigIntegerField(default=0)
    calls_refused = models.PositiveBigIntegerField(default=0, help_text="Not made.")
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(
        max_digits=18, decimal_places=8, default=0, help_text="US dollars, as far as known."
    )
    unpriced = models.PositiveBigIntegerField(
        default=0, help_text="Ended questions whose cost nobody knows."
    )
    call_milliseconds = models.PositiveBigIntegerField(default=0, help_text="Of all calls.")
    question_milliseconds = models.PositiveBigIntegerField(default=0)
    call_latency = models.JSONField(default=dict, help_text="Calls by `audit.latency.bucket`.")
    question_latency = models.JSONField(default=dict, help_text="Ended questions likewise.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["dimension", "granularity", "start", "name", "within"], name="one_rollup"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["dimension", "name", "granularity", "start"], name="rollup_name")
        ]

    def __str__(self) -> str:
        return f"{self.dimension} {self.name} {self.start:%Y-%m-%d %H:%M}"
