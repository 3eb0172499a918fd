"""All paths: the product's own are in `gateway.urls`, Slack's in `slackapp.urls`."""

from django.contrib import admin
from django.urls import include, path

from omni2 import health

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/health", health.HealthView.as_view(), name="health"),
    path("api/health/ready", health.ReadyView.as_view(), name="ready"),
    path("api/health/live", health.LiveView.as_view(), name="live"),
    path("", include("slackapp.urls")),
    path("", include("gateway.urls")),
]

handler400 = "gateway.web.bad_request"
handler403 = "gateway.web.forbidden"
handler404 = "gateway.web.not_found"
handler500 = "gateway.web.server_error"
