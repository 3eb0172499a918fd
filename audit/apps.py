from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "The record"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_install_stamps, sender=self)


def _install_stamps(**_: Any) -> None:
    from audit import stamps  # noqa: PLC0415  needs the models, which are loaded after this module

    stamps.install()
