"""Questions are worked on once, end once, and leave nothing open behind them."""

import logging
import queue
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from gateway import ask, work
from gateway.llm.scripted import ScriptedModel
from gateway.models import Call, Question
from tests.ways.asking import kinds, put

pytestmark = pytest.mark.django_db


class Noted:
    """A task that says which rows it was started for, however it was started."""

    name = "tests.noted"

    def __init__(self):
        self.rows = queue.Queue()

    def run(self, row):
        self.rows.put(row)

    def apply_async(self, args, **options):
        self.run(*args)

    def seen(self, count):
        return [self.rows.get(timeout=5) for _ in range(count)]


def left_by_a_dead_worker(cast, *, lease=-1, attempt=1):
    """A running question with a call that was sent, and nobody there to hear the answer."""
    question = put(cast, cast.dev, "note it")
    assert question.claim("dead:1")
    question.calls.create(
        step="s1", person=cast.dev, door="cli", server="upstream", tool="write_note"
    )
    until = timezone.now() + timedelta(seconds=lease)
    Question.objects.filter(pk=question.pk).update(lease_until=until, attempt=attempt)
    question.refresh_from_db()
    return question


def ended(question):
    question.refresh_from_db()
    return question.state, question.error_code, question.calls.get().state


def test_cancelling_what_a_dead_worker_left_settles_its_call(cast):
    question = left_by_a_dead_worker(cast)

    ask.cancel(question, who=cast.asker(cast.dev).who)

    assert ended(question) == ("cancelled", "cancelled", Call.State.UNKNOWN)
    assert kinds(question)[-2:] == [("call.called", "unknown"), ("question.ended", "cancelled")]


def test_a_question_that_is_too_late_settles_its_call(cast):
    question = left_by_a_dead_worker(cast)
    Question.objects.update(deadline_at=Now() - timedelta(minutes=1))

    work.sweep(Noted())

    assert ended(question) == ("expired", "expired", Call.State.UNKNOWN)
    assert kinds(question)[-2:] == [("call.called", "unknown"), ("question.ended", "expired")]


@pytest.mark.django_db(transaction=True)
def test_after_three_attempts_that_did_not_end_it_is_given_up(cast):
    question = left_by_a_dead_worker(cast, attempt=3)
    model = ScriptedModel(["too late"])

    work.run(question.pk, model=model)

    assert ended(question) == ("failed", "unavailable", Call.State.UNKNOWN)
    assert model.heard == []


@pytest.mark.django_db(transaction=True)
def test_an_unexpected_error_ends_the_question_with_an_id_and_nothing_else(cast, caplog):
    def broken(messages):
        raise RuntimeError("SELECT secret FROM /srv")

    question = put(cast, cast.dev, "hello")
    with caplog.at_level(logging.ERROR, "gateway.work"):
        work.run(question.pk, model=ScriptedModel(broken))

    question.refresh_from_db()
    [logged] = caplog.records
    assert (question.state, question.error_code, question.error_message) == (
        "failed", "internal", "Something went wrong on our side.",
    )  # fmt: skip
    assert question.error_id == logged.error_id != ""
    assert kinds(question)[-1] == ("question.ended", "failed")


def test_whoever_lost_the_lease_ends_nothing(cast):
    question = left_by_a_dead_worker(cast)
    late = Question.objects.get(pk=question.pk)
    assert question.claim("next:1")

    assert work.finish(late, state=Question.State.ANSWERED, answer="late") is False
    assert ended(question) == ("running", "", Call.State.STARTED)
    assert work.finish(question, state=Question.State.ANSWERED, answer="in time") is True
    assert [kind for kind, _ in kinds(question)].count("question.ended") == 1


@pytest.mark.parametrize(
    ("age", "lease", "started"),
    [(0, None, False), (9, None, False), (11, None, True), (60, 30, False), (60, -1, True)],
)
def test_the_sweeper_starts_what_nobody_works_on(cast, age, lease, started):
    """A young question has just been started; one under a lease is being worked on."""
    question = put(cast, cast.dev, "hello") if lease is None else left_by_a_dead_worker(
        cast, lease=lease
    )  # fmt: skip
    Question.objects.update(created_at=Now() - timedelta(seconds=age))
    task = Noted()

    assert work.sweep(task) == int(started)
    assert task.seen(int(started)) == [str(question.pk)] * int(started)


def test_work_that_waits_is_not_queued_twice(settings):
    """Embedded: what a pool thread has not begun yet need not be started again."""
    settings.REDIS_URL = ""
    task = Noted()

    work.start(task, 1)
    work.start(task, 2)

    assert sorted(task.seen(2)) == ["1", "2"]
    work.start(task, 1)
    assert task.seen(1) == ["1"]


def test_a_task_that_fails_stops_no_thread(settings, caplog):
    settings.REDIS_URL = ""
    task, broken = Noted(), Noted()
    broken.run = lambda row: 1 / 0

    with caplog.at_level(logging.CRITICAL + 1, "gateway.work"):
        for row in range(20):
            work.start(broken, row)
        work.start(task, "sound")
        assert task.seen(1) == ["sound"]


def test_the_row_brings_back_who_asked(cast):
    asker = cast.asker(cast.dev)
    question = put(cast, cast.dev, "hello")

    assert work.asker_of(question) == asker
    Question.objects.update(only_servers=["a"])
    question.refresh_from_db()
    assert work.asker_of(question).only_servers == frozenset({"a"})
