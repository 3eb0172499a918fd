"""System checks: what is wrong with a deployment, said before it hurts, with what to do."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from audit import retention
from audit.errors import RetentionError
from gateway.alerts import webhook
from gateway.llm.choice import model_for_deployment
from gateway.outlets import place
from omni2 import deployment
from registry.mcp.guard import listed_address


@checks.register()
def secrets_are_secret(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """A secret that stands in an example is none."""
    if settings.DEBUG or not deployment.is_known_example(settings.SECRET_KEY):
        return []
    return [
        checks.Error(
            "SECRET_KEY is a known example or shorter than 16 characters.",
            hint="Remove it from the environment: a random one is made on first start.",
            id="omni2.E001",
        )
    ]


@checks.register()
def encryption_keys_work(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Every key must be a Fernet key, or stored credentials could not be read."""
    return [
        checks.Error(
            f"OMNI2_ENCRYPTION_KEYS: key {number} is not a Fernet key.",
            hint="Make one with cryptography: Fernet.generate_key().decode()",
            id="omni2.E002",
        )
        for number, key in enumerate(settings.ENCRYPTION_KEYS, start=1)
        if not deployment.is_fernet_key(key)
    ]


@checks.register()
def stdio_commands_are_whole(
    app_configs: Sequence[Any] | None, **_: Any
) -> list[checks.CheckMessage]:
    """A list of whole command lines, each a list of words."""
    commands = settings.STDIO_COMMANDS
    right = isinstance(commands, list) and all(
        isinstance(argv, list) and argv and all(isinstance(word, str) for word in argv)
        for argv in commands
    )
    if right:
        return []
    return [
        checks.Error(
            "OMNI2_STDIO_COMMANDS must be a JSON list of command lines, each a list of words.",
            hint='For example [["/usr/bin/mcp-server-time", "--local-timezone", "UTC"]]',
            id="omni2.E003",
        )
    ]


@checks.register()
def model_can_be_made(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """A provider we have, with what it needs."""
    try:
        model_for_deployment()
    except ImproperlyConfigured as error:
        return [
            checks.Error(
                str(error),
                hint="OMNI2_MODEL_PROVIDER=offline works without a key.",
                id="omni2.E004",
            )
        ]
    return []


@checks.register()
def slack_is_whole(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Both Slack secrets or neither."""
    if bool(settings.SLACK_BOT_TOKEN) == bool(settings.SLACK_SIGNING_SECRET):
        return []
    return [
        checks.Error(
            "SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET must be set together.",
            hint="docs/slack.md says where Slack shows them.",
            id="omni2.E005",
        )
    ]


@checks.register()
def tokens_have_an_issuer(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Access tokens are somebody's: without a provider there is nobody to issue them."""
    if not settings.MCP_OAUTH or settings.OIDC_ISSUER:
        return []
    return [
        checks.Error(
            "OMNI2_MCP_OAUTH is set, and no identity provider.",
            hint="Set OMNI2_OIDC_ISSUER, or leave MCP clients to API keys.",
            id="omni2.E006",
        )
    ]


@checks.register()
def siem_can_be_sent_to(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """An address that is one, and a secret that can sign."""
    found: list[checks.CheckMessage] = []
    try:
        if settings.SIEM_URL:
            place.read(settings.SIEM_URL)
    except ValueError as error:
        found.append(
            checks.Error("OMNI2_SIEM_URL is no such address.", hint=str(error), id="omni2.E007")
        )
    try:
        webhook.key_of(settings.SIEM_SIGNING_SECRET)
    except ValueError:
        found.append(
            checks.Error(
                "OMNI2_SIEM_SIGNING_SECRET is not base64.",
                hint="whsec_ and 32 random bytes: openssl rand -base64 32",
                id="omni2.E008",
            )
        )
    return found


@checks.register()
def periods_are_hours(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """An export every so many whole hours."""
    if settings.EXPORT_HOURS >= 1:
        return []
    return [
        checks.Error(
            "OMNI2_EXPORT_HOURS is less than 1.",
            hint="24 makes a file a day, 1 a file an hour.",
            id="omni2.E009",
        )
    ]


@checks.register()
def retention_is_readable(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Days by kinds that there are."""
    try:
        retention.days(settings.RETENTION)
    except RetentionError as error:
        return [
            checks.Error(
                f"OMNI2_RETENTION: {error}",
                hint='For example {"registry.health": 30, "auth.*": 365, "*": 1825}',
                id="omni2.E010",
            )
        ]
    return []


@checks.register()
def internal_addresses_list_something(
    app_configs: Sequence[Any] | None, **_: Any
) -> list[checks.CheckMessage]:
    """An entry that means no address lets nobody in, and whoever wrote it wonders why."""
    return [
        checks.Warning(
            f"OMNI2_INTERNAL_ADDRESSES: {entry!r} is no host:port.",
            hint="For example crm.internal:8080, 10.1.2.3:8080 or [2001:db8::5]:8080",
            id="omni2.W002",
        )
        for entry in settings.INTERNAL_ADDRESSES
        if not listed_address(entry)
    ]


@checks.register()
def scaled_out_database(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Several processes want PostgreSQL; SQLite works, slowly."""
    if not settings.REDIS_URL or not settings.DATABASE_URL.startswith("sqlite"):
        return []
    return [
        checks.Warning(
            "REDIS_URL is set, but the database is SQLite.",
            hint="Workers on several machines need PostgreSQL: set DATABASE_URL.",
            id="omni2.W001",
        )
    ]
