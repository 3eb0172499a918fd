from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin_apps

from audit import redact


class Omni2Config(AppConfig):
    name = "omni2"
    verbose_name = "OMNI2"

    def ready(self) -> None:
        from omni2 import checks  # noqa: F401, PLC0415  registers the system checks once apps are loaded

        for secret in _secrets():
            redact.remember(secret)


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin on our own site."""

    default = False
    default_site = "omni2.site.Site"


def _secrets() -> list[str]:
    """What must never stand in the record, in a log or in an error."""
    named = (
        settings.SECRET_KEY,
        settings.ANTHROPIC_API_KEY,
        settings.SLACK_BOT_TOKEN,
        settings.SLACK_SIGNING_SECRET,
        settings.DATABASES["default"].get("PASSWORD"),
        settings.EMAIL_HOST_PASSWORD,
        settings.SIEM_TOKEN,
        settings.SIEM_SIGNING_SECRET,
        *settings.MODEL_EXTRA_HEADERS.values(),
        *settings.ENCRYPTION_KEYS,
    )
    return [secret for secret in named if secret]
