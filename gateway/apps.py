from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = "Questions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.targets import bring_from  # noqa: PLC0415  models load after this module
        from gateway import api_schema  # noqa: F401, PLC0415  registers the API's credentials
        from gateway.record.reading import may_view  # noqa: PLC0415  models load after this module
        from gateway.targets import every_target, every_verb  # noqa: PLC0415  models load after this module
        from registry import own  # noqa: PLC0415  models load after this module

        bring_from(every_target, beside=every_verb)
        own.bring(may_view)
