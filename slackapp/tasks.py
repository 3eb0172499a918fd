"""Celery's doors: primitives in, one verb called."""

from celery import shared_task

from gateway import work
from slackapp import asking, posting


@shared_task(name="slackapp.take_up")
def take_up(request_id: str) -> None:
    """Do what a slash command asked for, unless somebody else does."""
    asking.take_up(int(request_id), task=answer)


@shared_task(name="slackapp.answer")
def answer(question_id: str) -> None:
    """Work on a question and post what became of it into its thread."""
    work.run(question_id)
    posting.deliver(question_id)


@shared_task(name="slackapp.deliver")
def deliver(question_id: str) -> None:
    """Post what became of a question, if that is still to be done."""
    posting.deliver(question_id)
