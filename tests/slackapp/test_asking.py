"""What becomes of a slash command once a worker has it."""

from dataclasses import asdict

import pytest

from accounts.models import User
from audit.models import Entry
from gateway.models import Conversation, Question
from slackapp import asking
from slackapp.commands import command_of
from slackapp.models import Delivery, SeenRequest
from tests.fakes.slack_api import Planned
from tests.slackapp.questions import answers
from tests.slackapp.signing import slash
from tests.ways.asking import Parked

pytestmark = pytest.mark.django_db
BROKEN = Planned(status=500, body="")


def given(slack, text="What time is it?", **fields):
    """A slash command that has come in."""
    command = command_of(slash(text, response_url=slack.response_url, **fields))
    number = SeenRequest.objects.count()
    return SeenRequest.let_in(f"v0={number}", f"trigger-{number}", asdict(command))


def take_up(request):
    asking.take_up(request.pk, task=Parked())
    request.refresh_from_db()
    return request


def told(slack):
    return [message["text"] for message in slack.ephemerals]


def test_a_question_gets_a_parent_message_and_a_conversation_of_its_thread(linked, slack):
    request = take_up(given(slack, "tell <!channel>"))

    [parent] = slack.messages
    question = Question.objects.get()
    assert (parent["channel"], parent["text"]) == (
        "C0GENERAL",
        "Question from <@U0DEV>: tell &lt;!channel&gt;",
    )
    assert (parent["unfurl_links"], parent["unfurl_media"]) == (False, False)
    assert (question.person, question.door, question.text) == (
        linked.dev,
        "slack",
        "tell <!channel>",
    )
    assert question.conversation.external_key == f"C0GENERAL:{parent['ts']}"
    assert (question.origin["person"], question.origin["role"]) == ("dev@example.com", "developer")
    assert (question.origin["channel"], question.origin["thread"]) == ("C0GENERAL", parent["ts"])
    assert Delivery.objects.get().question == question
    assert request.done_at is not None


@pytest.mark.parametrize(
    ("fields", "person", "standing", "sentence"),
    [
        ({"user_id": "U0STRANGER"}, "", "unknown", "team T0TEAM, user U0STRANGER."),
        ({"team_id": "T0OTHER"}, "", "unknown", "team T0OTHER, user U0DEV."),
        ({"user_id": ""}, "", "unknown", "team T0TEAM, user ."),
        ({"bot_id": "B1"}, "", "bot", "I answer people only."),
        ({"user_id": "USLACKBOT"}, "", "bot", "I answer people only."),
        (
            {"user_id": "U0SUE"},
            "sue@example.com",
            "suspended",
            "Your OMNI2 account is suspended. An administrator can lift that.",
        ),
    ],
)
def test_whoever_may_not_ask_is_told_alone_and_recorded_and_nothing_runs(
    linked, slack, fields, person, standing, sentence
):
    request = take_up(given(slack, **fields))

    [text] = told(slack)
    entry = Entry.objects.get()
    assert text.endswith(sentence)
    assert (entry.kind, entry.outcome, entry.door) == ("auth.refused", "refused", "slack")
    assert (entry.person, entry.error_code, entry.channel) == (person, standing, "C0GENERAL")
    assert (slack.messages, Question.objects.count()) == ([], 0)
    assert request.done_at is not None


@pytest.mark.parametrize(
    ("changed", "standing"),
    [
        ({"status": User.Status.PENDING}, "pending"),
        ({"is_active": False}, "inactive"),
        ({"status": User.Status.SUSPENDED, "is_active": False}, "suspended"),
    ],
)
def test_an_account_that_may_not_act_may_not_ask(linked, slack, changed, standing):
    User.objects.filter(pk=linked.dev.pk).update(**changed)

    take_up(given(slack))

    assert told(slack) == [asking.REFUSALS[standing]]
    assert (Entry.objects.get().error_code, Question.objects.count()) == (standing, 0)


def test_a_person_is_never_found_by_e_mail(linked, slack):
    slack.people["U0NEW"] = {"profile": {"email": "dev@example.com"}}

    take_up(given(slack, user_id="U0NEW", user_name="dev"))

    assert (Question.objects.count(), slack.called("users.info")) == (0, [])


def test_an_account_without_slack_ids_belongs_to_nobody_in_slack(linked, slack):
    User.objects.filter(pk=linked.guest.pk).update(slack_team_id="T0TEAM")

    take_up(given(slack, user_id=""))

    assert Entry.objects.get().error_code == "unknown"


def test_two_people_in_one_thread_have_a_conversation_each(linked, slack):
    for user in ("U0DEV", "U0ADA"):
        request = given(slack, user_id=user)
        request.command["thread_ts"] = "1.1"
        request.save()
        take_up(request)

    people = Conversation.objects.values_list("person__email", "external_key")
    assert sorted(people) == [
        ("ada@example.com", "C0GENERAL:1.1"),
        ("dev@example.com", "C0GENERAL:1.1"),
    ]


def test_a_command_is_taken_up_once(linked, slack):
    request = given(slack)

    take_up(request)
    take_up(request)

    assert (len(slack.messages), Question.objects.count()) == (1, 1)


def test_a_channel_that_does_not_let_us_in_is_told_with_the_way_out(linked, slack):
    slack.closed_channels.add("C0PRIVATE")

    request = take_up(given(slack, channel_id="C0PRIVATE"))

    assert told(slack) == [asking.NO_ENTRY.format(reason="Slack says not_in_channel")]
    assert (Question.objects.count(), request.done_at is not None) == (0, True)


def test_a_trouble_of_slack_is_tried_again_without_a_second_parent(linked, slack):
    slack.answer_next("chat.postMessage", BROKEN)
    request = given(slack)

    first = take_up(request).done_at
    second = take_up(request).done_at

    assert (first, second is not None) == (None, True)
    assert (len(slack.messages), Question.objects.count()) == (1, 1)


def test_a_worker_killed_after_asking_asks_nothing_twice(linked, slack):
    request = given(slack)
    command = request.command
    take_up(request)
    command["thread_ts"] = slack.messages[0]["ts"]
    SeenRequest.objects.update(done_at=None, leased_until=None, command=command)
    Delivery.objects.all().delete()

    take_up(request)

    assert (len(slack.messages), Question.objects.count()) == (1, 1)
    assert Delivery.objects.count() == 1


def test_after_three_attempts_the_person_is_told(linked, slack):
    slack.answer_next("chat.postMessage", *[BROKEN] * 9)
    request = given(slack)

    states = [take_up(request).done_at is not None for _ in range(3)]

    assert states == [False, False, True]
    assert told(slack) == [asking.GIVEN_UP]
    assert Question.objects.count() == 0


def test_a_question_that_is_not_taken_says_why_in_its_thread(linked, slack, settings):
    settings.QUESTION_MAX_CHARACTERS = 10

    request = take_up(given(slack, "much too long a question"))

    [said] = answers(slack)
    assert said == "The question has 24 characters; at most 10 are taken."
    assert (Question.objects.count(), request.done_at is not None) == (0, True)
