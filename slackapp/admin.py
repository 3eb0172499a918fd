"""Deliveries to Slack, to see which answers did not arrive and why."""

from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from slackapp.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(ModelAdmin):
    """Read-only: what is posted is decided by the question."""

    list_display: ClassVar = [
        "question",
        "channel",
        "state",
        "attempts",
        "error",
        "created_at",
        "sent_at",
    ]
    list_filter: ClassVar = ["state", "channel"]
    list_select_related: ClassVar = ["question"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False
