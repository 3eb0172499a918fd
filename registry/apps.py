from django.apps import AppConfig

# How a server was last seen changes all the time, and says nothing about what it offers.
_SEEN = (
    "health",
    "last_error",
    "checked_at",
    "synced_at",
    "sync_due_at",
    "server_info",
    "instructions",
)


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = "Registry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import stamps  # noqa: PLC0415  needs the models, which are loaded after this module

        stamps.watch("registry", "registry.Server", but=_SEEN)
        stamps.watch("registry", "registry.Tool", but=("last_seen_at",))
