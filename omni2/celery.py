"""Celery, for deployments with `REDIS_URL`: `celery -A omni2 worker` and `celery -A omni2 beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omni2.settings")

app = Celery("omni2")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["gateway", "slackapp", "omni2"])
