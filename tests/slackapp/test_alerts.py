"""Alerts in a Slack channel: each at least once, harmless, through failures, and only there."""

import pytest
from django.utils import timezone

from audit import following, record, seal
from gateway.alerts import incidents
from gateway.alerts.incidents import Found
from gateway.models import AlertRule, Outlet
from gateway.outlets import resting
from slackapp import alerts
from tests.fakes.slack_api import Planned

pytestmark = pytest.mark.django_db

CHANNEL = "C0ALERTS"


@pytest.fixture
def channel(slack, settings):
    settings.SLACK_ALERT_CHANNEL, settings.PUBLIC_URL = CHANNEL, "https://omni2.example.com"
    following.start_again(alerts.NAME)
    return slack


def raise_alert(cause="person dev@example.com"):
    """One alert, in a block of its own; its incident."""
    rule, _ = AlertRule.objects.get_or_create(name="blocked", severity="critical")
    incident = incidents.note(rule, Found(cause, timezone.now(), 3))
    seal.seal_once()
    return incident


def posted(slack):
    return [one.body for one in slack.called("chat.postMessage")]


def test_an_alert_is_posted_once_with_a_link_and_nothing_unfurled(channel):
    incident = raise_alert()
    record.write("auth.login", "ok")
    seal.seal_once()
    assert (alerts.post_new(), alerts.post_new()) == (2, 0)

    [said] = posted(channel)
    assert (said["channel"], said["text"]) == (
        CHANNEL,
        "OMNI2 critical: blocked: person dev@example.com",
    )
    assert (said["unfurl_links"], said["parse"]) == (False, "none")
    plain, link = (one["text"] for one in said["blocks"])
    assert plain["type"] == "plain_text" and "Entries: 3, from" in plain["text"]
    address = f"https://omni2.example.com/admin/gateway/incident/{incident.pk}/change/"
    assert link["text"] == f"<{address}|Look at it>"


def test_a_hostile_cause_is_no_mention_and_no_link(channel):
    raise_alert("tool <!channel> <https://attacker.example|click> & *bold*")
    alerts.post_new()

    [said] = posted(channel)
    assert "<!channel>" not in said["text"] and "<https://attacker" not in said["text"]
    assert said["blocks"][0]["text"]["type"] == "plain_text"
    assert "attacker" not in said["blocks"][1]["text"]["text"]


def test_what_slack_does_not_take_is_posted_when_it_does(channel):
    channel.answer_next("chat.postMessage", Planned(status=500, body="oops"))
    raise_alert()
    assert alerts.post_new() == 0
    assert alerts.post_new() == 0, "it did not rest"
    assert "Slack" in resting.fares(alerts.NAME).error
    assert channel.messages == []

    Outlet.objects.update(rests_until=timezone.now())
    assert alerts.post_new() == 1
    assert len(channel.messages) == 1
    assert resting.fares(alerts.NAME).error == ""


@pytest.mark.parametrize("missing", ["SLACK_ALERT_CHANNEL", "SLACK_BOT_TOKEN"])
def test_without_a_channel_or_a_token_nothing_is_posted(channel, settings, missing):
    setattr(settings, missing, "")
    raise_alert()

    assert (alerts.post_new(), posted(channel)) == (0, [])
