from django.apps import AppConfig


class SlackappConfig(AppConfig):
    name = "slackapp"
    verbose_name = "Slack"
    default_auto_field = "django.db.models.BigAutoField"
