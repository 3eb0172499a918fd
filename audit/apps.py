from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "The record"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import triggers  # noqa: PLC0415  as below

        post_migrate.connect(_install, sender=self)
        connection_created.connect(triggers.prepare, dispatch_uid="audit.triggers")


def _install(**_: Any) -> None:
    # Needs the models, which are loaded after this module.
    from audit import search, stamps, triggers  # noqa: PLC0415  see above

    stamps.install()
    triggers.install()
    search.install()
