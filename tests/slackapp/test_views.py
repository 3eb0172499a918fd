"""Slack's path, as Slack and as others call it."""

import json
import threading
import time

import pytest
from django.db import connection, transaction
from django.test import Client

from gateway.models import Question
from slackapp import listeners, receiving
from slackapp.models import SeenRequest
from tests.fakes.slack_api import Planned
from tests.slackapp.signing import PATH, signed, slash

pytestmark = pytest.mark.django_db
in_threads = pytest.mark.django_db(transaction=True)
QUESTION = slash(trigger_id="once")


@pytest.fixture(scope="module")
def browser():
    return Client(enforce_csrf_checks=True)


def nothing_ran(slack):
    return (SeenRequest.objects.count(), Question.objects.count(), slack.requests) == (0, 0, [])


@pytest.mark.parametrize("missing", ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"])
def test_without_its_settings_the_path_says_which(browser, slack, settings, missing):
    setattr(settings, missing, "")

    response = browser.post(**signed(QUESTION))

    assert response.status_code == 503
    assert response.json()["error"] == {
        "code": "slack_not_configured",
        "message": "Slack is not set up here: SLACK_SIGNING_SECRET and SLACK_BOT_TOKEN"
        " must both be set.",
    }
    assert nothing_ran(slack)


@pytest.mark.parametrize(
    "request_",
    [
        signed(QUESTION, secret="another secret"),
        signed(QUESTION) | {"data": b"command=%2Fomni&text=changed"},
        signed(QUESTION, age=301),
        signed(QUESTION, age=-900),
        signed(QUESTION) | {"headers": {}},
        signed(QUESTION, **{"X-Slack-Request-Timestamp": "abc"}),
        signed(QUESTION, **{"X-Slack-Request-Timestamp": "NaN"}),
        signed(QUESTION, **{"X-Slack-Request-Timestamp": "١٢٣"}),
        signed(QUESTION, **{"X-Slack-Request-Timestamp": "-1"}),
        signed(QUESTION, **{"X-Slack-Signature": "v0=é"}),
        signed(QUESTION, **{"X-Slack-Signature": "garbage"}),
        signed(b'{"type": "url_verification"', secret="another secret"),
        signed(b"\xff\xfe\x00", secret="another secret"),
        signed(b"payload=%7Bnot-json", secret="another secret"),
        signed(b"[" * 100_000, secret="another secret"),
        signed({"ssl_check": "1"}, secret="another secret"),
    ],
)
def test_what_slack_did_not_sign_just_now_is_401_and_runs_nothing(browser, slack, request_):
    response = browser.post(**request_)

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_signature"
    assert nothing_ran(slack)


@pytest.mark.parametrize(
    "body", [b'{"broken', b"\xff\xfe", b"payload=%7Bbroken", b'{"a":' * 100_000]
)
def test_a_signed_body_that_cannot_be_read_is_400(browser, slack, body):
    response = browser.post(**signed(body))

    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")


def test_a_body_over_one_mebibyte_is_413(browser, slack):
    response = browser.post(**signed(b"x" * (1024 * 1024 + 1)))

    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


def test_only_post_is_answered(browser, slack):
    assert browser.get(PATH).status_code == 405


def test_slacks_question_whether_the_path_is_ours_is_answered(browser, slack):
    body = json.dumps({"type": "url_verification", "challenge": "made-up"}).encode()

    response = browser.post(**signed(body) | {"content_type": "application/json"})

    assert (response.status_code, response.json()) == (200, {"challenge": "made-up"})


@in_threads
def test_a_command_is_acknowledged_within_a_second_while_slack_says_nothing(browser, slack, linked):
    silent = threading.Event()
    slack.answer_next("chat.postMessage", Planned(held=silent, body='{"ok": true, "ts": "1.1"}'))
    slack.answer_next("auth.test", Planned(held=silent))

    began = time.monotonic()
    response = browser.post(**signed(slash()))
    took = time.monotonic() - began
    slack.wait_for(lambda: slack.called("chat.postMessage"))
    asked = Question.objects.count()
    silent.set()

    assert (response.status_code, response.content.decode()) == (200, listeners.TAKEN)
    assert (took < 1, asked, slack.called("auth.test")) == (True, 0, [])


@in_threads
def test_a_command_without_a_question_is_answered_with_its_use(browser, slack, linked):
    response = browser.post(**signed(slash("  ")))

    assert (response.status_code, response.content.decode()) == (200, listeners.USAGE)
    assert SeenRequest.objects.get().command == {}


def test_a_command_that_is_not_ours_is_404_and_not_kept(browser, slack, linked):
    response = browser.post(**signed(slash(command="/other")))

    assert response.status_code == 404
    assert SeenRequest.objects.get().command == {}


@in_threads
def test_the_same_signed_request_is_answered_with_nothing_and_runs_once(browser, slack, linked):
    request = signed(slash(user_id="U0STRANGER", response_url=slack.response_url))

    first, second = browser.post(**request), browser.post(**request)

    slack.wait_for(lambda: slack.ephemerals)
    assert first.content.decode() == listeners.TAKEN
    assert (second.status_code, second.content) == (200, b"")
    assert SeenRequest.objects.count() == 1
    assert len(slack.ephemerals) == 1


@in_threads
def test_a_request_that_slack_repeats_under_a_new_signature_runs_once(browser, slack, linked):
    body = slash(user_id="U0STRANGER", response_url=slack.response_url)

    first = browser.post(**signed(body, age=3))
    second = browser.post(
        **signed(body, **{"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"})
    )

    slack.wait_for(lambda: slack.ephemerals)
    assert first.content.decode() == listeners.TAKEN
    assert (second.status_code, second.content) == (200, b"")
    assert SeenRequest.objects.count() == 1


def test_an_event_is_seen_once_by_its_id(browser, slack):
    event = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message"}}
    body = json.dumps(event).encode()

    answers = [
        browser.post(**signed(body, age=age) | {"content_type": "application/json"})
        for age in (2, 1)
    ]

    assert [(answer.status_code, answer.content == b"") for answer in answers] == [
        (404, False),
        (200, True),
    ]


@in_threads
def test_a_database_that_is_slow_is_not_waited_for(browser, slack, linked, monkeypatch):
    monkeypatch.setattr(receiving, "PATIENCE_MILLISECONDS", 50)
    with database_held():
        began = time.monotonic()
        response = browser.post(**signed(slash()))
        took = time.monotonic() - began

    assert (response.status_code, response.json()["text"]) == (200, receiving.TRY_AGAIN)
    assert response.json()["response_type"] == "ephemeral"
    assert took < 1
    assert (SeenRequest.objects.count(), slack.messages) == (0, [])


class database_held:
    """Another connection writes and does not end, for as long as the block lasts."""

    def __enter__(self):
        self.holding, self.over = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._hold)
        self.thread.start()
        self.holding.wait()

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()

    def _hold(self):
        with transaction.atomic():
            SeenRequest.objects.create(signature="held")
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("LOCK TABLE slackapp_seenrequest")
            self.holding.set()
            self.over.wait(5)
            transaction.set_rollback(True)
        connection.close()
