"""The jobs of `omni2.schedule` as Celery tasks, and beat's table of them."""

from typing import Any

from celery import Celery, shared_task

from omni2 import schedule
from omni2.celery import app


@shared_task(name="omni2.run_job")
def run_job(name: str) -> None:
    """Do one job of the table now."""
    next(job for job in schedule.jobs() if job.name == name).verb()


@app.on_after_finalize.connect
def plan(sender: Celery, **_: Any) -> None:
    """Tell beat how often. A job not begun before it is due again is dropped, not piled up."""
    for job in schedule.jobs():
        sender.add_periodic_task(
            job.seconds, run_job.s(job.name), name=job.name, expires=max(job.seconds, 5)
        )
