from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = "Questions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from gateway import api_schema  # noqa: F401, PLC0415  registers the API's credentials
