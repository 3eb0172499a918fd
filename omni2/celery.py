"""Celery, for deployments with `REDIS_URL`: `celery -A omni2 worker` and `celery -A omni2 beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omni2.settings")

app = Celery("omni2")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["gateway", "slackapp", "omni2"])


@worker_ready.connect
def warm_up(**_: Any) -> None:
    """A worker loads the heavy SDKs before its first question, and hears what servers say."""
    from gateway import work  # noqa: PLC0415  needs Django set up, which Celery does by now
    from registry.hearing import Hearing  # noqa: PLC0415  the same

    work.warm_up()
    Hearing().start()
