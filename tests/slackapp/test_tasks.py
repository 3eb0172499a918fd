"""The whole way of a question through Slack."""

import pytest

from gateway.models import Question
from slackapp import listeners
from slackapp.models import Delivery
from tests.settling import settle
from tests.slackapp.questions import answers
from tests.slackapp.signing import signed, slash

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_signed_question_ends_as_an_answer_in_its_thread_with_the_tool_named(
    client, linked, upstream, slack
):
    response = client.post(**signed(slash("What is the time now in UTC?")))
    slack.wait_for(lambda: answers(slack))
    settle()

    question = Question.objects.get()
    parent, answer = slack.messages
    [call] = question.calls.all()
    used, figures = [block["elements"][0]["text"] for block in answer["blocks"][1:]]
    assert response.content.decode() == listeners.TAKEN
    assert parent["text"] == "Question from <@U0DEV>: What is the time now in UTC?"
    assert answer["thread_ts"] == parent["ts"]
    assert (question.state, question.person, question.door) == ("answered", linked.dev, "slack")
    assert answers(slack) == [question.answer.replace("&", "&amp;").replace(">", "&gt;")]
    assert figures.endswith(": from upstream/get_time")
    assert used.startswith(f"upstream/get_time · {call.milliseconds} ms · ")
    assert [name for name, _ in upstream.calls] == ["get_time"]
    assert Delivery.objects.get().state == "sent"


def test_a_question_that_fails_says_so_in_its_thread(client, linked, slack, settings):
    settings.QUESTION_TIMEOUT = -1

    client.post(**signed(slash("What is the time now in UTC?")))
    slack.wait_for(lambda: answers(slack))
    settle()

    question = Question.objects.get()
    [said] = answers(slack)
    assert question.state == "expired"
    assert question.error_message in said
