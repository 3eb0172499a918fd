"""All paths: the product's own are in `gateway.urls`, Slack's in `slackapp.urls`."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("gateway.urls")),
]
