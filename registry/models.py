"""MCP servers, their tools, and how they have been."""

from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from audit.switches import Switchable
from registry import patience
from registry.connected import Attempt, ConnectedAccount, RegisteredClient
from registry.validators import check_finite, check_storable

__all__ = [
    "Attempt",
    "Breaker",
    "ConnectedAccount",
    "Document",
    "HealthCheck",
    "RegisteredClient",
    "Server",
    "Tool",
]

# What a server can ask of the client that a call comes from, by the protocol's names; and whether
# its forms are answered by their own defaults where nobody can be asked.
MAY_ASK = ("elicitation", "sampling", "roots", "defaults")


def may_ask_by_default() -> list[str]:
    """A server may ask the person something; it may not use their model or see their files."""
    return ["elicitation"]


class ServerQuerySet(models.QuerySet["Server"]):
    """Servers, by whether they take part."""

    def enabled(self) -> "ServerQuerySet":
        return self.filter(enabled=True, switched_off_at=None)


class Server(Switchable):
    """A registered server: how to reach it, what it may cost, how it was last seen.

    `enabled` is the configuration's word; the kill switch is the administrator's, and stronger.
    """

    class Transport(models.TextChoices):
        HTTP = "http", "streamable HTTP"
        SSE = "sse", "HTTP with SSE (legacy)"
        STDIO = "stdio", "command (stdio)"
        OPENAPI = "openapi", "REST service (OpenAPI)"
        INTERNAL = "internal", "part of OMNI2"

    class Authentication(models.TextChoices):
        NONE = "none"
        BEARER = "bearer"
        BASIC = "basic"
        API_KEY = "api_key", "API key"
        HEADER = "header", "custom header"
        OAUTH = "oauth", "each person connects their own account (OAuth)"
        CLIENT_CREDENTIALS = "client_credentials", "OAuth client credentials"

    class Trust(models.TextChoices):
        FIRST_USE = "first_use", "trust what it offers first"
        MANUAL = "manual", "a person accepts each tool"
        ALWAYS = "always", "trust every change"

    class Health(models.TextChoices):
        UNKNOWN = "unknown"
        UP = "up"
        DOWN = "down"

    name = models.CharField(max_length=32, unique=True)
    display_name = models.CharField(max_length=128, blank=True)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=list, blank=True, validators=[check_storable])
    owner = models.EmailField(
        blank=True, help_text="Who may decide on requests for access to its tools."
    )
    enabled = models.BooleanField(default=True)
    trust = models.CharField(max_length=16, choices=Trust.choices, default=Trust.FIRST_USE)

    transport = models.CharField(max_length=8, choices=Transport.choices)
    url = models.CharField(max_length=2000, blank=True)
    argv = models.JSONField(default=list, blank=True, help_text="Command and arguments, for stdio.")
    cwd = models.CharField(max_length=1000, blank=True)
    authentication = models.CharField(
        max_length=32, choices=Authentication.choices, default=Authentication.NONE
    )
    # Encrypted; `registry.credentials` reads and writes it.
    sealed = models.TextField(blank=True, editable=False)

    timeout_seconds = models.FloatField(
        default=30,
        validators=[
            check_finite,
            MinValueValidator(patience.SHORTEST_TIMEOUT),
            MaxValueValidator(patience.LONGEST_TIMEOUT),
        ],
    )
    retry_attempts = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(patience.MOST_ATTEMPTS)]
    )
    retry_delay_seconds = models.FloatField(
        default=1,
        validators=[
            check_finite,
            MinValueValidator(0),
            MaxValueValidator(patience.LONGEST_DELAY),
        ],
    )
    connection_max_age_seconds = models.PositiveIntegerField(
        default=0, help_text="0 means no limit."
    )
    requests_per_minute = models.PositiveIntegerField(default=0, help_text="0 means no limit.")
    burst = models.PositiveIntegerField(default=0)
    concurrent_calls = models.PositiveIntegerField(
        default=8,
        validators=[MinValueValidator(1)],
        help_text="At a time, of each process; who comes then waits a moment and is told.",
    )
    argument_defaults = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_storable],
        help_text="What the gateway fills in where a tool takes such an argument and none came.",
    )
    tool_prefix = models.BooleanField(
        "prefix for MCP clients",
        default=True,
        help_text="MCP clients see its tools as server__tool; without, by their own names.",
    )

    may_ask = models.JSONField(
        default=may_ask_by_default,
        blank=True,
        validators=[check_storable],
        help_text="What it may ask of the MCP client behind a call: elicitation, sampling, roots; "
        "defaults: its forms are answered as they say themselves where nobody can be asked.",
    )

    fallback = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="stands_in_for",
        help_text="Called when this one cannot be reached: its tool of the same name, where both "
        "only read and the person may call it there.",
    )

    health = models.CharField(max_length=8, choices=Health.choices, default=Health.UNKNOWN)
    last_error = models.TextField(blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    # From then on it should be read anew: it said so (`registry.hearing`).
    sync_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    protocol_version = models.CharField(max_length=32, blank=True, editable=False)
    server_info = models.JSONField(default=dict, blank=True, editable=False)
    instructions = models.TextField(blank=True, editable=False)
    # Prompts, resources and templates as they were last listed: `registry.offerings`.
    offerings = models.JSONField(default=dict, blank=True, editable=False)
    # Fingerprints of those that look suspicious and were accepted all the same.
    accepted_offerings = models.JSONField(default=list, blank=True, editable=False)

    objects = ServerQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = "MCP server"
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="server_name_without_case"),
            models.CheckConstraint(
                condition=~models.Q(fallback=models.F("pk")), name="no_server_stands_in_for_itself"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.name

    @property
    def speaks_oauth(self) -> bool:
        """Whether its credential is a token that is fetched, not one that is stored."""
        return self.authentication in (
            self.Authentication.OAUTH,
            self.Authentication.CLIENT_CREDENTIALS,
        )

    @property
    def answers_forms(self) -> bool:
        """Whether a form of its own is answered by its defaults where nobody can be asked."""
        return "defaults" in self.may_ask

    @property
    def shows_record(self) -> bool:
        """Whether its tools tell what the record holds of everybody."""
        return self.transport == self.Transport.INTERNAL

    @property
    def takes_part(self) -> bool:
        """Whether its tools may be offered and called at all."""
        return self.enabled and not self.is_off

    def switch_facts(self) -> dict[str, Any]:
        return {"server": self.name}


class Document(models.Model):
    """The OpenAPI document of a REST service: where it lies, or its text.

    Apart from the server's row, which is read with every tool.
    """

    server = models.OneToOneField(
        Server, on_delete=models.CASCADE, primary_key=True, related_name="document"
    )
    url = models.CharField(max_length=2000, blank=True)
    text = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.server.name}: {self.url or 'a document of its own'}"


class ToolQuerySet(models.QuerySet["Tool"]):
    """Tools, by whether they may be offered."""

    def offered(self) -> "ToolQuerySet":
        """Tools that stand in their server's current list, unchanged since they were accepted."""
        return self.filter(
            state=Tool.State.OFFERED,
            switched_off_at=None,
            server__enabled=True,
            server__switched_off_at=None,
        )

    def waiting(self) -> "ToolQuerySet":
        """Tools about which there is something to decide, and nobody has decided yet."""
        return self._set_aside().filter(rejected_by="")

    def rejected(self) -> "ToolQuerySet":
        """Tools that are listed in a form that somebody has rejected."""
        return self._set_aside().exclude(rejected_by="")

    def _set_aside(self) -> "ToolQuerySet":
        return self.filter(state=Tool.State.QUARANTINED, pending__isnull=False)


class Tool(Switchable):
    """One tool of one server, as it was when it was accepted. Nothing else is ever offered.

    `state` is what syncs and their acceptance made of it; the kill switch stands beside it.
    """

    class State(models.TextChoices):
        OFFERED = "offered"
        QUARANTINED = "quarantined", "set aside"
        GONE = "gone", "no longer listed by its server"

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="tools")
    name = models.CharField(max_length=255)
    # What a model and an MCP client call it: unique, at most 64 characters, never parsed back.
    qualified_name = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True)
    input_schema = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict, blank=True)
    definition = models.JSONField(default=dict, help_text="The whole tool object as accepted.")
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OFFERED)
    state_reason = models.TextField(blank=True)
    pending = models.JSONField(
        null=True, blank=True, help_text="The tool object that waits for a decision."
    )
    rejected_by = models.CharField(
        max_length=254, blank=True, help_text="Who rejected the form that would wait otherwise."
    )
    rejections = models.JSONField(
        default=dict, blank=True, help_text="Who rejected which forms, by their fingerprints."
    )
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ToolQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["server__name", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["server", "name"], name="one_tool_of_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.server.name}/{self.name}"

    def switch_facts(self) -> dict[str, Any]:
        return {"server": self.server.name, "tool": self.name}

    @property
    def declares_read_only(self) -> bool:
        """The server's own word that a call changes nothing. It may never loosen the policy."""
        return self._hint("readOnlyHint", default=False)

    @property
    def declares_idempotent(self) -> bool:
        """The server's own word that calling twice does no more than calling once."""
        return self.declares_read_only or self._hint("idempotentHint", default=False)

    @property
    def may_destroy(self) -> bool:
        """True unless the server says read-only or not destructive; no hint counts as yes."""
        return not self.declares_read_only and self._hint("destructiveHint", default=True)

    @property
    def declares_effect(self) -> bool:
        """Whether the server says anything at all of what a call does."""
        found = self.annotations if isinstance(self.annotations, dict) else {}
        return bool(found.keys() & {"readOnlyHint", "destructiveHint"})

    @property
    def declared_effect(self) -> str:
        """What a call does, by the server's own word; silence counts as the worst."""
        if self.declares_read_only:
            return "only reads"
        return "may destroy" if self.may_destroy else "writes, destroys nothing"

    def _hint(self, name: str, *, default: bool) -> bool:
        value: Any = (
            self.annotations.get(name, default) if isinstance(self.annotations, dict) else default
        )
        return value if isinstance(value, bool) else default


class HealthCheck(models.Model):
    """One look at one server."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="checks")
    at = models.DateTimeField(default=timezone.now, db_index=True)
    ok = models.BooleanField()
    milliseconds = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.server.name} {'up' if self.ok else 'down'} at {self.at:%Y-%m-%d %H:%M:%S}"


class Breaker(models.Model):
    """How a server's calls have failed lately. No row means that nothing is wrong."""

    server = models.OneToOneField(
        Server, on_delete=models.CASCADE, primary_key=True, related_name="breaker"
    )
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    # Nobody calls before this moment; who moves it on afterwards, in one UPDATE, is the probe.
    closed_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.server.name}: {self.failures} failures in a row"
