"""What the scheduler finds lying between Slack and us."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from gateway.models import Door, Question
from slackapp import sweep
from slackapp.models import Delivery, SeenRequest
from tests.settling import settle
from tests.slackapp.questions import answers, delivery_of, ended

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_nobody_posted_is_posted(cast, slack):
    question = ended(slack, cast.dev)

    started = sweep.deliver_pending()
    slack.wait_for(lambda: answers(slack) == ["It is noon."])
    settle()

    assert (started, delivery_of(question).state) == (1, "sent")
    assert sweep.deliver_pending() == 0


@pytest.mark.parametrize(
    ("question", "delivery"),
    [
        ({"state": Question.State.RUNNING}, None),
        ({"door": Door.WEB}, None),
        ({}, {"state": Delivery.State.SENT}),
        ({}, {"state": Delivery.State.FAILED}),
        ({}, {"not_before": Now() + timedelta(seconds=5)}),
    ],
)
def test_what_is_done_or_not_yet_due_is_left_alone(cast, slack, question, delivery):
    row = ended(slack, cast.dev, **question)
    if delivery:
        Delivery.of(row)
        Delivery.objects.update(**delivery)

    assert sweep.deliver_pending() == 0


@pytest.mark.django_db(transaction=True)
def test_a_command_whose_process_died_is_taken_up(linked, slack):
    command = {
        "text": "hello",
        "team": "T0TEAM",
        "user": "U0STRANGER",
        "channel": "C0GENERAL",
        "response_url": slack.response_url,
    }
    SeenRequest.let_in("v0=1", "", command)
    too_early = sweep.take_up_forgotten()
    SeenRequest.objects.update(received_at=Now() - timedelta(seconds=11))

    started = sweep.take_up_forgotten()
    slack.wait_for(lambda: slack.ephemerals)
    settle()

    assert (too_early, started) == (0, 1)
    assert SeenRequest.objects.get().done_at is not None


def test_requests_too_old_to_come_back_are_put_away():
    SeenRequest.let_in("v0=1", "", {})
    SeenRequest.let_in("v0=2", "", {})
    SeenRequest.objects.filter(signature="v0=1").update(received_at=Now() - timedelta(minutes=11))

    assert sweep.sweep() == 1
    assert [request.signature for request in SeenRequest.objects.all()] == ["v0=2"]
