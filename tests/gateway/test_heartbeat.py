"""A worker keeps its lease while it works, and hears why it must stop."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from gateway import errors, heartbeat
from gateway.heartbeat import Heart, Pulse
from gateway.models import Question
from tests.ways.asking import put

pytestmark = pytest.mark.django_db(transaction=True)

LATER, EARLIER = timedelta(minutes=5), timedelta(minutes=-5)


def pulse_of(**fields):
    return Pulse(Question(deadline_at=timezone.now() + LATER, **fields))


@pytest.mark.parametrize("why", [errors.Cancelled, errors.Expired, errors.LeaseLost])
def test_the_reason_to_stop_is_raised_with_a_sentence(why):
    pulse = pulse_of()
    pulse.check()

    pulse.stop(why)

    assert pulse.stopped.is_set()
    with pytest.raises(why, match=r"\.$"):
        pulse.check()


def test_the_first_reason_counts():
    pulse = pulse_of()
    pulse.stop(errors.Cancelled)
    pulse.stop(errors.Expired)

    with pytest.raises(errors.Cancelled):
        pulse.check()


def test_the_deadline_needs_no_heartbeat_to_be_heard():
    pulse = Pulse(Question(deadline_at=timezone.now()))

    with pytest.raises(errors.Expired):
        pulse.check()
    assert pulse.stopped.is_set()


def cancel(question):
    Question.objects.update(cancel_requested=True)


def lose(question):
    Question.objects.update(owner="next:1")


def end(question):
    Question.objects.update(state="expired")


def overdue(question):
    question.deadline_at = timezone.now() + EARLIER


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (cancel, errors.Cancelled),
        (lose, errors.LeaseLost),
        (end, errors.LeaseLost),
        (overdue, errors.Expired),
    ],
)
def test_what_happens_elsewhere_is_heard_while_working(cast, monkeypatch, happens, why):
    monkeypatch.setattr(heartbeat, "LISTEN_SECONDS", 0.005)
    question = put(cast, cast.dev, "hello")
    assert question.claim("me:1")

    with Heart().beat_for(question) as pulse:
        assert not pulse.stopped.wait(0.02)
        happens(question)
        assert pulse.stopped.wait(5)

    assert pulse.why is why


def test_the_lease_is_renewed_while_working(cast, monkeypatch, settings):
    monkeypatch.setattr(heartbeat, "LISTEN_SECONDS", 0.005)
    settings.QUESTION_LEASE = 0.03
    question = put(cast, cast.dev, "hello")
    assert question.claim("me:1")

    renewed = Question.objects.filter(pk=question.pk, lease_until__gt=question.lease_until)
    with Heart().beat_for(question) as pulse:
        for _ in range(500):
            if renewed.exists() or pulse.stopped.wait(0.01):
                break

    assert (pulse.why, renewed.exists()) == (None, True)


def test_leases_are_renewed_again_after_the_connection_broke(cast, monkeypatch, settings):
    monkeypatch.setattr(heartbeat, "LISTEN_SECONDS", 0.02)
    settings.QUESTION_LEASE = 0.06
    question = put(cast, cast.dev, "hello")
    assert question.claim("me:1")
    heart, beats, again = Heart(), [], threading.Event()
    beat = heart._beat

    def broken_once(pulses, *, renew):
        beats.append(renew)
        if len(beats) == 2:
            connection.ensure_connection()
            connection.connection.close()
        beat(pulses, renew=renew)
        if len(beats) > 2:
            again.set()

    monkeypatch.setattr(heart, "_beat", broken_once)
    with heart.beat_for(question):
        assert again.wait(3)


def test_cancelling_in_the_same_process_is_heard_at_once(cast):
    heart, mine, other = Heart(), put(cast, cast.dev, "a"), put(cast, cast.dev, "b")
    assert mine.claim("me:1") and other.claim("me:2")

    with heart.beat_for(mine) as pulse, heart.beat_for(other) as undisturbed:
        heart.cancel_here(Question.objects.get(pk=mine.pk))
        assert (pulse.why, undisturbed.why) == (errors.Cancelled, None)


def test_one_thread_serves_all_questions_and_ends_with_the_last(cast, monkeypatch):
    monkeypatch.setattr(heartbeat, "LISTEN_SECONDS", 0.005)
    heart, questions = Heart(), [put(cast, cast.dev, text) for text in "ab"]
    for number, question in enumerate(questions):
        assert question.claim(f"me:{number}")

    with heart.beat_for(questions[0]), heart.beat_for(questions[1]):
        thread = heart._thread
        assert [one for one in threading.enumerate() if one is thread] == [thread]
    thread.join(5)

    assert (thread.is_alive(), heart._thread) == (False, None)
