"""Web and worker in different processes, with Celery on Redis between them."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.db import connection

from gateway import ask, deciding, progress
from gateway.models import Door, Question
from gateway.tasks import run_question
from tests.approving import approver, confirm

pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


QUEUE = "elsewhere"


class Elsewhere:
    """Sends the task where only the worker of these tests looks."""

    def apply_async(self, **options):
        return run_question.apply_async(queue=QUEUE, **options)


def put(cast):
    asker = cast.asker(cast.dev)
    return ask.ask("What is the time now?", asker=asker, door=Door.REST, task=Elsewhere())


@contextmanager
def working(settings, upstream):
    """A real Celery worker on the test's own database, for as long as the block lasts."""
    database = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = os.environ | {
        "DATABASE_URL": database.geturl(),
        "OMNI2_INTERNAL_ADDRESSES": upstream.address,
        "OMNI2_MODEL_PROVIDER": "offline",
    }
    command = [sys.executable, "-m", "celery", "-A", "omni2", "worker"]
    command += ["--queues", QUEUE, "--loglevel", "warning"]
    with subprocess.Popen(command, env=environment) as process:
        yield process
        process.terminate()
        process.wait(20)


@pytest.fixture
def worker(settings, upstream):
    with working(settings, upstream) as process:
        yield process


def test_a_question_is_answered_by_a_worker_and_its_steps_arrive_here(cast, upstream, worker):
    question = put(cast)

    ended = ask.wait(question.pk, timeout=40)

    assert (ended.state, ended.error_message) == ("answered", "")
    assert ended.owner.split(":")[1] != str(os.getpid())
    assert [event.kind for event in progress.read(question.pk)] == [
        "accepted", "started", "turn", "calling", "called", "turn", "delta", "done",
    ]  # fmt: skip


def test_steps_are_read_on_from_the_last_one_seen(cast, upstream, worker):
    question = put(cast)
    ask.wait(question.pk, timeout=40)

    every = progress.read(question.pk)

    assert progress.read(question.pk, every[3].id) == every[4:]


def test_a_broker_that_does_not_answer_costs_no_question(cast, upstream, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    began = time.monotonic()

    question = put(cast)

    assert time.monotonic() - began < 5
    assert Question.objects.get(pk=question.pk).state == "queued"


def test_a_question_that_waits_for_approval_is_answered_by_another_worker(cast, upstream, settings):
    confirm("get_time")
    cleo = approver()
    with working(settings, upstream) as first:
        question = put(cast)
        waiting = ask.wait(question.pk, timeout=40)
    assert (waiting.state, upstream.calls) == ("waiting", [])

    approval = waiting.approvals.get()
    deciding.decide(approval.pk, approve=True, asker=cast.asker(cleo), task=Elsewhere())
    with working(settings, upstream) as second:
        ended = ask.wait(question.pk, timeout=40)

    assert (ended.state, [name for name, _ in upstream.calls]) == ("answered", ["get_time"])
    assert first.pid != second.pid
    assert [event.kind for event in progress.read(question.pk)] == [
        "accepted", "started", "turn", "waiting", "decided", "started", "calling", "called",
        "turn", "delta", "done",
    ]  # fmt: skip
