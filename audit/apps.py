from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "The record"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import triggers  # noqa: PLC0415  as below

        pre_migrate.connect(_forget, sender=self)
        post_migrate.connect(_install, sender=self)
        connection_created.connect(triggers.prepare, dispatch_uid="audit.triggers")


def _forget(**_: Any) -> None:
    from audit import at_once  # noqa: PLC0415  it needs the models, as below

    at_once.forget()


def _install(**_: Any) -> None:
    # Needs the models, which are loaded after this module.
    from audit import search, stamps, triggers  # noqa: PLC0415  see above

    stamps.install()
    triggers.install()
    search.install()
