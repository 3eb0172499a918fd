"""System checks: what is wrong with a deployment, said before it hurts, with what to do."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks

from omni2 import deployment

PROVIDERS = ("auto", "anthropic", "offline")


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
            hint="Make one: python -c 'from cryptography.fernet import Fernet as F; print(F.generate_key().decode())'",
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
def model_is_known(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """A provider we have, and a key where it needs one."""
    provider = settings.MODEL_PROVIDER
    if provider not in PROVIDERS:
        return [
            checks.Error(
                f"OMNI2_MODEL_PROVIDER is {provider!r}; there are {', '.join(PROVIDERS)}.",
                id="omni2.E004",
            )
        ]
    if provider == "anthropic" and not (settings.ANTHROPIC_API_KEY or settings.ANTHROPIC_BASE_URL):
        return [
            checks.Error(
                "OMNI2_MODEL_PROVIDER is anthropic, but there is no ANTHROPIC_API_KEY.",
                hint="Set the key, or ANTHROPIC_BASE_URL for a compatible server, or use offline.",
                id="omni2.E005",
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
            id="omni2.E006",
        )
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
