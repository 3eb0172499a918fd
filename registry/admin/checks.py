"""The pages of how servers have been."""

from typing import ClassVar

from django.contrib import admin
from unfold.contrib.filters.admin import RelatedDropdownFilter

from audit.recorded import ReadOnlyAdmin
from registry.models import HealthCheck


@admin.register(HealthCheck)
class HealthCheckAdmin(ReadOnlyAdmin):
    """Looks at servers, kept for a week."""

    list_display: ClassVar = ["at", "server", "ok", "milliseconds", "error"]
    list_filter: ClassVar = [("server", RelatedDropdownFilter), "ok"]
    list_select_related: ClassVar = ["server"]
