from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People and policy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import stamps  # noqa: PLC0415  needs the models, which are loaded after this module

        stamps.watch_new("refusals", "audit.Entry", column="kind", value="auth.refused")
        stamps.watch("accounts", "accounts.User", but=("last_login",))
        stamps.watch("accounts", "accounts.User_teams")
        stamps.watch("accounts", "accounts.Role")
        stamps.watch("accounts", "accounts.Team")
        stamps.watch("accounts", "accounts.ServerGrant")
        stamps.watch("accounts", "accounts.Rule")
        stamps.watch("accounts", "accounts.UsageLimit")
        stamps.watch("accounts", "accounts.PolicyVersion")
        stamps.watch("accounts", "accounts.ApiKey", but=("last_used_at",))
