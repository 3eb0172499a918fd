import pytest

from slackapp.commands import Command, command_of
from tests.slackapp.signing import slash


def test_a_question_keeps_who_asked_it_and_where():
    body = slash("  What time is it?  ", response_url="https://hooks.slack.com/x")

    assert command_of(body) == Command(
        text="What time is it?",
        team="T0TEAM",
        user="U0DEV",
        channel="C0GENERAL",
        response_url="https://hooks.slack.com/x",
    )


def test_what_slack_escaped_is_read_as_it_was_typed():
    assert command_of(slash("is 1 &lt; 2 &amp;&amp; 3 &gt; 2? &amp;lt;")).text == (
        "is 1 < 2 && 3 > 2? &lt;"
    )


@pytest.mark.parametrize(
    "body",
    [
        slash("   "),
        slash(command="/omni-status"),
        {"type": "event_callback", "event_id": "Ev1"},
        {},
    ],
)
def test_a_request_without_a_question_holds_none(body):
    assert command_of(body) is None


@pytest.mark.parametrize("fields", [{"bot_id": "B1"}, {"user_id": "USLACKBOT"}])
def test_a_bot_is_marked_as_one(fields):
    assert command_of(slash(**fields)).from_bot is True
