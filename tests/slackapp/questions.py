"""Questions from Slack as they stand when they have ended."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from gateway.models import Conversation, Door, Question
from slackapp.models import Delivery
from tests.fakes.slack_api import FakeSlack


def thread_in(slack: FakeSlack, channel: str = "C0GENERAL") -> str:
    """The timestamp of a parent message that is there."""
    slack.messages.append(
        {"channel": channel, "ts": "1700000000.999999", "text": "Question from …"}
    )
    return "1700000000.999999"


def ended(
    slack: FakeSlack, person: User, answer: str = "It is noon.", **fields: object
) -> Question:
    """A question of this person whose thread waits for the answer."""
    key = f"C0GENERAL:{thread_in(slack)}"
    conversation, _ = Conversation.objects.get_or_create(
        person=person, door=Door.SLACK, external_key=key
    )
    usual = {
        "state": Question.State.ANSWERED,
        "finished_at": timezone.now(),
        "deadline_at": timezone.now() + timedelta(minutes=3),
        "door": Door.SLACK,
    }
    return Question.objects.create(
        conversation=conversation,
        person=person,
        text="What time is it?",
        answer=answer,
        **usual | fields,
    )


def delivery_of(question: Question) -> Delivery:
    """Its delivery as it stands in the database now."""
    return Delivery.objects.get(question=question)


def make_due(question: Question) -> None:
    """Let the pause before the next attempt be over."""
    Delivery.objects.filter(question=question).update(not_before=None)


def answers(slack: FakeSlack) -> list[str]:
    """The Markdown that was posted into threads, in order."""
    return [message["blocks"][0]["text"] for message in slack.messages if message.get("thread_ts")]
