"""Alerts: what to look out for, what was found, whom to tell, and what has been told."""

import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Severity(models.TextChoices):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @classmethod
    def up_to(cls, severity: str) -> list[str]:
        """This one and those below it."""
        return cls.values[: cls.values.index(severity) + 1]


class AlertRule(models.Model):
    """What to look out for on the record.

    `entries`: entries of these `kinds` (none: of all) that pass `filters` and, where they are
    given, are of tools that fit `tools`, outside of `hours`, or name a database that the person has
    not used for `unused_days`; so many of them (`count`) within `window_seconds` of one value of
    the column `each`. `server_down`: a server that is found down, until it is up again.
    `spending`: more than `factor` times the usual cost of `window_seconds`, and than `min_cost`.
    """

    class Kind(models.TextChoices):
        ENTRIES = "entries", "entries of the record"
        SERVER_DOWN = "server_down", "a server that is down"
        SPENDING = "spending", "spending far above the usual"

    class Each(models.TextChoices):
        ALL = "", "all together"
        PERSON = "person"
        ROLE = "role"
        SERVER = "server"
        TOOL = "tool"
        ADDRESS = "address"
        API_KEY = "api_key", "API key"

    name = models.CharField(max_length=128, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.ENTRIES)
    enabled = models.BooleanField(default=True)
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.WARNING)
    kinds = models.JSONField(
        default=list, blank=True, help_text='Kinds of entries: ["call.refused"]; none: all.'
    )
    filters = models.JSONField(
        default=dict,
        blank=True,
        help_text='Filters of the record besides, as {"person": "ada@example.com"}.',
    )
    tools = models.JSONField(
        default=list, blank=True, help_text="Patterns: a tool's name, or server/tool."
    )
    hours = models.CharField(
        max_length=64, blank=True, help_text="Working hours, such as mon-fri 07:00-19:00."
    )
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Of the hours.")
    unused_days = models.PositiveIntegerField(
        default=0, help_text="A database the person has not used for so long; 0: any entry."
    )
    each = models.CharField(
        "of each",
        max_length=8,
        choices=Each.choices,
        default=Each.PERSON,
        blank=True,
        help_text="What makes a cause: it is counted, and told, for each of these.",
    )
    count = models.PositiveIntegerField(default=1, help_text="So many entries,")
    window_seconds = models.PositiveIntegerField(
        "within seconds", default=3600, help_text="and within how long."
    )
    factor = models.FloatField(default=3, help_text="Of spending: times the usual of a week.")
    min_cost = models.DecimalField(
        max_digits=10, decimal_places=2, default=1, help_text="Of spending: US dollars at least."
    )
    quiet_minutes = models.PositiveIntegerField(
        default=60,
        help_text="An incident is told again after so long, and over after so long without more.",
    )
    origin = models.CharField(
        max_length=32, blank=True, editable=False, help_text="The file it was imported from."
    )

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def cause_of(self, value: str) -> str:
        """Whose or what it is, in words, where the column `each` has this value."""
        return f"{self.each.replace('_', ' ')} {value}" if value else ""

    @property
    def quiet(self) -> timedelta:
        return timedelta(minutes=self.quiet_minutes)

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.window_seconds)


class IncidentQuerySet(models.QuerySet["Incident"]):
    """Incidents, by where they stand."""

    def unresolved(self) -> "IncidentQuerySet":
        return self.exclude(state=Incident.State.RESOLVED)


class Incident(models.Model):
    """One cause that a rule has found: one row however often it happens, until it is resolved."""

    class State(models.TextChoices):
        OPEN = "open"
        ACKNOWLEDGED = "acknowledged"
        RESOLVED = "resolved"

    rule = models.ForeignKey(
        AlertRule, null=True, on_delete=models.SET_NULL, related_name="incidents"
    )
    # As they were when it was opened.
    name = models.CharField(max_length=128)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    cause = models.CharField(max_length=300, help_text="Whose or what it is, in words.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    count = models.PositiveBigIntegerField(default=0, help_text="Entries that belong to it.")
    opened_at = models.DateTimeField()
    last_at = models.DateTimeField()
    told_at = models.DateTimeField()
    first_entry = models.BigIntegerField(null=True)
    last_entry = models.BigIntegerField(null=True)
    filters = models.JSONField(default=dict, help_text="What finds its entries on the record.")
    detail = models.JSONField(default=dict)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-last_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule", "cause"],
                condition=Q(state__in=["open", "acknowledged"]),
                name="one_unresolved_incident_of_a_cause",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["rule", "cause", "last_at"], name="incident_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.cause}" if self.cause else self.name


class Destination(models.Model):
    """Whom to tell: a URL that gets signed messages, or e-mail addresses."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook"
        EMAIL = "email", "e-mail"

    name = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.WEBHOOK)
    enabled = models.BooleanField(default=True)
    least = models.CharField(
        "least severity",
        max_length=8,
        choices=Severity.choices,
        default=Severity.INFO,
        help_text="The least severity that is told here.",
    )
    url = models.CharField(
        "URL",
        max_length=2000,
        blank=True,
        help_text="Of a webhook: https, or an address that OMNI2_INTERNAL_ADDRESSES lists.",
    )
    addresses = models.TextField(blank=True, help_text="Of e-mail: one a line.")
    sealed = models.TextField(
        blank=True, editable=False, help_text="What signs its messages, encrypted."
    )

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices, by what is still to be done."""

    def due(self) -> "NoticeQuerySet":
        return self.filter(state=Notice.State.WAITING, due_at__lte=timezone.now())


class Notice(models.Model):
    """One message to one destination, written in the transaction of what it tells of.

    Its id is the same however often it is tried, so that whoever gets it twice can tell.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        GIVEN_UP = "given_up", "given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="notices")
    incident = models.ForeignKey(
        Incident, null=True, on_delete=models.CASCADE, related_name="notices"
    )
    event = models.CharField(max_length=16)
    message = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="notice_due"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.destination}"

    def claim(self, seconds: float) -> bool:
        """Take it for so long; False when somebody else has, or it is done."""
        later: Any = timezone.now() + timedelta(seconds=seconds)
        mine = type(self).objects.filter(pk=self.pk, state=self.State.WAITING, due_at=self.due_at)
        taken = mine.update(due_at=later, attempts=models.F("attempts") + 1) == 1
        if taken:
            self.refresh_from_db()
        return taken
