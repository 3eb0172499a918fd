"""Answers on their way to a real HTTP fake of Slack."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from gateway.models import Door, Question
from slackapp import posting
from slackapp.commands import Command
from slackapp.models import Delivery
from tests.fakes.slack_api import Planned
from tests.slackapp.questions import answers, delivery_of, ended, make_due

pytestmark = pytest.mark.django_db
BROKEN = Planned(status=500, body="<html>oops</html>")
HERE = Command(text="?", team="T0TEAM", user="U0DEV", channel="C0GENERAL", response_url="")


def test_an_answer_goes_into_its_thread_with_nothing_unfurled(cast, slack):
    question = ended(slack, cast.dev)

    posting.deliver(question.pk)

    [request] = slack.called("chat.postMessage")
    sent = {name: value for name, value in request.body.items() if name != "blocks"}
    assert sent == {
        "channel": "C0GENERAL",
        "thread_ts": "1700000000.999999",
        "text": "It is noon.",
        "unfurl_links": False,
        "unfurl_media": False,
        "parse": "none",
        "link_names": False,
    }
    assert answers(slack) == ["It is noon."]
    delivery = delivery_of(question)
    assert (delivery.state, delivery.attempts, delivery.error) == ("sent", 1, "")


def test_an_answer_is_posted_once_however_often_it_is_delivered(cast, slack):
    question = ended(slack, cast.dev)

    posting.deliver(question.pk)
    posting.deliver(str(question.pk))

    assert answers(slack) == ["It is noon."]


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_posted_once_when_two_workers_have_it(cast, slack):
    question = ended(slack, cast.dev)
    Delivery.of(question)
    together = threading.Barrier(2)

    def deliver():
        together.wait()
        posting.deliver(question.pk)
        connection.close()

    workers = [threading.Thread(target=deliver) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert answers(slack) == ["It is noon."]


@pytest.mark.parametrize(
    "fields",
    [{"state": Question.State.RUNNING, "finished_at": None}, {"door": Door.WEB}],
)
def test_what_is_not_finished_or_not_from_slack_is_not_posted(cast, slack, fields):
    question = ended(slack, cast.dev, **fields)

    posting.deliver(question.pk)

    assert slack.requests == []
    assert Delivery.objects.count() == 0


@pytest.mark.parametrize(
    ("planned", "error"),
    [
        (BROKEN, "Slack says"),
        (Planned(body='{"ok": false, "error": "internal_error"}'), "Slack says internal_error"),
        (Planned(delay=0.3), "Slack did not answer: timed out"),
        (Planned(status=429, headers={"Retry-After": "soon"}), "Slack asks us to slow down"),
    ],
)
def test_a_passing_trouble_is_tried_again_until_the_answer_is_there(
    cast, slack, monkeypatch, planned, error
):
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.1)
    question = ended(slack, cast.dev)
    slack.answer_next("chat.postMessage", planned)

    posting.deliver(question.pk)
    waiting = delivery_of(question)
    posting.deliver(question.pk)
    pause_kept = len(slack.called("chat.postMessage")) == 1
    make_due(question)
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 5)
    posting.deliver(question.pk)

    assert (waiting.state, waiting.error[: len(error)]) == ("pending", error)
    assert pause_kept
    assert answers(slack) == ["It is noon."]
    assert delivery_of(question).state == "sent"


def test_after_three_retries_a_delivery_has_failed_and_the_answer_is_kept(cast, slack):
    question = ended(slack, cast.dev)
    slack.answer_next("chat.postMessage", *[BROKEN] * 9)

    for _ in range(6):
        posting.deliver(question.pk)
        make_due(question)

    delivery = delivery_of(question)
    assert (delivery.state, delivery.attempts) == ("failed", 4)
    assert len(slack.called("chat.postMessage")) == 4
    question.refresh_from_db()
    assert (question.state, question.answer) == ("answered", "It is noon.")


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found", "invalid_auth"])
def test_what_waiting_will_not_mend_has_failed_at_once(cast, slack, error):
    question = ended(slack, cast.dev)
    slack.answer_next("chat.postMessage", Planned(body=f'{{"ok": false, "error": "{error}"}}'))

    posting.deliver(question.pk)

    delivery = delivery_of(question)
    assert (delivery.state, delivery.error) == ("failed", f"Slack says {error}")


def test_a_short_pause_that_slack_asks_for_is_kept_where_we_stand(cast, slack):
    question = ended(slack, cast.dev)
    slack.answer_next("chat.postMessage", Planned(status=429, headers={"Retry-After": "0"}))

    posting.deliver(question.pk)

    assert len(slack.called("chat.postMessage")) == 2
    assert delivery_of(question).state == "sent"


def test_a_long_pause_that_slack_asks_for_is_kept_without_holding_a_worker(cast, slack):
    question = ended(slack, cast.dev)
    slack.answer_next("chat.postMessage", Planned(status=429, headers={"Retry-After": "120"}))

    posting.deliver(question.pk)

    pause = delivery_of(question).not_before - timezone.now()
    assert timedelta(seconds=110) < pause <= timedelta(seconds=121)


def test_being_slowed_down_is_no_failure_until_nobody_waits_any_more(cast, slack):
    question = ended(slack, cast.dev)
    slack.answer_next("chat.postMessage", *[Planned(status=429, headers={"Retry-After": "30"})] * 6)
    for _ in range(5):
        posting.deliver(question.pk)
        make_due(question)
    still = delivery_of(question).state
    long_ago = timezone.now() - posting.GIVE_UP_AFTER - timedelta(seconds=1)
    Delivery.objects.update(created_at=long_ago)
    type(question).objects.update(finished_at=long_ago)

    posting.deliver(question.pk)

    assert (still, delivery_of(question).state) == ("pending", "failed")


def test_a_long_answer_goes_on_after_the_part_that_was_sent(cast, slack):
    answer = "\n\n".join(f"{number}. " + "word " * 1000 for number in range(5))
    question = ended(slack, cast.dev, answer)
    posted = Planned(body='{"ok": true, "ts": "1"}')
    slack.answer_next("chat.postMessage", posted, BROKEN)

    posting.deliver(question.pk)
    halfway = delivery_of(question).parts_sent
    make_due(question)
    posting.deliver(question.pk)

    beginnings = [
        request.body["blocks"][0]["text"][:2] for request in slack.called("chat.postMessage")
    ]
    assert (halfway, delivery_of(question).state) == (1, "sent")
    assert beginnings == ["0.", "1.", "1.", "2.", "3.", "4."]


def test_a_sentence_to_one_person_goes_through_the_response_url(slack):
    command = Command(**vars(HERE) | {"response_url": slack.response_url})

    posting.tell(command, "no <!channel> here")

    [request] = slack.requests
    assert (request.method, request.body) == (
        "response_url",
        {"text": "no &lt;!channel&gt; here", "response_type": "ephemeral"},
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://127.0.0.1:1/commands/x",
        "https://evil.example/commands/x",
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "http://127.0.0.1@evil.example/x",
    ],
)
def test_a_response_url_that_is_not_slacks_is_never_called(slack, url):
    posting.tell(Command(**vars(HERE) | {"response_url": url}), "hello")

    [request] = slack.requests
    assert (request.method, request.body["user"]) == ("chat.postEphemeral", "U0DEV")


@pytest.mark.parametrize(
    ("url", "slacks"),
    [
        ("https://hooks.slack.com/commands/T1/2/3", True),
        ("https://slack.com/x", True),
        ("http://hooks.slack.com/commands/T1/2/3", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://evilhooks.slack.com/x", False),
        ("https://hooks.slack.com:444/x", False),
    ],
)
def test_slacks_response_urls_are_those_of_its_hooks_host(settings, url, slacks):
    settings.SLACK_API_URL = "https://slack.com/api/"

    assert posting._is_slacks(url) is slacks
