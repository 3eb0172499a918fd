"""Celery's doors: primitives in, one verb called."""

from celery import shared_task

from gateway import work


@shared_task(name="gateway.run_question")
def run_question(question_id: str) -> None:
    """Work on one question, unless somebody else does."""
    work.run(question_id)
