"""The record's head in a Slack channel: once an hour, as a line that can be verified against."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from audit import record, seal
from audit.models import Block
from gateway.models import Outlet
from slackapp import anchors
from tests.fakes.slack_api import Planned

pytestmark = pytest.mark.django_db

CHANNEL = "C0ANCHORS"


@pytest.fixture
def channel(slack, settings):
    settings.SLACK_ANCHOR_CHANNEL = CHANNEL
    seal_one()
    return slack


def seal_one():
    record.write("auth.login", "ok")
    seal.seal_once()


def lines(slack):
    return [
        one.body["blocks"][0]["text"]["text"]
        for one in slack.called("chat.postMessage")
        if one.body["channel"] == CHANNEL
    ]


def test_the_head_is_posted_as_a_line_to_verify_against(channel, tmp_path, capsys):
    assert anchors.post_head() is True
    [line] = lines(channel)
    head = Block.objects.get()
    assert (json.loads(line)["number"], json.loads(line)["digest"]) == (1, head.digest)
    kept: Path = tmp_path / "from-slack.jsonl"
    kept.write_text(line)
    call_command("verify_audit", "--anchor", str(kept))
    assert capsys.readouterr().out.splitlines()[-1] == "1 anchors fit"


def test_it_is_posted_once_an_hour_when_it_has_moved(channel):
    assert [anchors.post_head(), anchors.post_head()] == [True, False]
    seal_one()
    assert anchors.post_head() is False, "the hour is not over"
    Outlet.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    assert [anchors.post_head(), anchors.post_head()] == [True, False]
    assert [json.loads(line)["number"] for line in lines(channel)] == [1, 2]


def test_a_head_that_has_not_moved_is_not_posted_again(channel):
    anchors.post_head()
    sent = Block.objects.get().sealed_at + timedelta(microseconds=1)
    Outlet.objects.update(sent_at=sent)
    assert anchors._is_due(Block.objects.get()) is False
    assert len(lines(channel)) == 1


def test_what_slack_does_not_take_is_posted_when_it_does(channel):
    channel.answer_next("chat.postMessage", Planned(status=500, body="oops"))
    assert [anchors.post_head(), anchors.post_head()] == [False, False]
    Outlet.objects.update(rests_until=timezone.now())
    assert anchors.post_head() is True
    assert len(channel.messages) == 1


@pytest.mark.parametrize("missing", ["SLACK_ANCHOR_CHANNEL", "SLACK_BOT_TOKEN"])
def test_nothing_is_posted_where_no_channel_is_named(missing, channel, settings):
    setattr(settings, missing, "")
    assert anchors.post_head() is False
    assert channel.messages == []


def test_an_empty_record_has_no_head(slack, settings):
    settings.SLACK_ANCHOR_CHANNEL = CHANNEL
    assert anchors.post_head() is False
