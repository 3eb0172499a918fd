"""How long each part of a question took."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.durations import parts
from gateway.models import Approval, Call, Question, Turn
from tests.ways.asking import put

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


def after(seconds):
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def question(cast):
    asked = put(cast, cast.dev, "hello")
    Question.objects.update(created_at=NOW, started_at=after(2))
    asked.refresh_from_db()
    return asked


def waits(question, asked, decided, expires=900):
    Approval.objects.create(
        person=question.person, question=question, door="cli", server="s", tool="t",
        step=str(asked), fingerprint="f", policy_version="p", digest=str(asked), state="refused",
        created_at=after(asked), decided_at=None if decided is None else after(decided),
        expires_at=after(expires),
    )  # fmt: skip


def test_model_and_tools_are_added_up_and_the_queue_is_the_time_until_a_worker_came(question):
    for number, milliseconds in enumerate((10, 20)):
        Turn.objects.create(question=question, number=number, content=[], milliseconds=milliseconds)
        Call.objects.create(
            question=question, person=question.person, door="cli", server="s", tool="t",
            step=str(number), milliseconds=milliseconds * 10,
        )  # fmt: skip

    assert parts(question) == {"queued": 2000, "model": 30, "tools": 300, "approval": 0}


def test_waits_that_overlap_count_once(question):
    for asked, decided in ((1, 5), (3, 7), (4, 6), (10, 11)):
        waits(question, asked, decided)

    assert parts(question)["approval"] == 7000


def test_a_wait_that_nobody_ended_ends_when_it_expires(question):
    waits(question, -20, None, expires=-15)

    assert parts(question)["approval"] == 5000


def test_a_question_that_nobody_took_was_queued_all_the_time(question):
    question.started_at = None

    assert parts(question)["queued"] >= 0
    assert parts(question)["model"] == parts(question)["tools"] == 0
