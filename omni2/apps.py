from django.apps import AppConfig


class Omni2Config(AppConfig):
    name = "omni2"
    verbose_name = "OMNI2"

    def ready(self) -> None:
        from omni2 import checks  # noqa: F401, PLC0415  registers the system checks once apps are loaded
