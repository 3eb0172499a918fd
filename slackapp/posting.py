"""Our words reach Slack: answers into their thread, and sentences to one person alone."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import HttpRequest, HttpResponse, RateLimitErrorRetryHandler, RetryState
from slack_sdk.webhook import WebhookClient

from audit.numerals import is_digits
from gateway import present
from gateway.models import Door, Question
from slackapp import blocks
from slackapp.commands import Command
from slackapp.models import Delivery

log = logging.getLogger(__name__)
# The SDK looks at its logger's own level and writes whole messages at DEBUG.
sdk_log = logging.getLogger("slackapp.sdk")
sdk_log.setLevel(logging.WARNING)

TIMEOUT_SECONDS = 10
MAX_ATTEMPTS = 4
PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
# Slack may ask us to wait again and again; after this long nobody is waiting for the answer.
GIVE_UP_AFTER = timedelta(minutes=30)
PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited"}
)
# No name is made a mention and no link fetched: what we post may come from anywhere.
PLAIN: dict[str, Any] = {
    "unfurl_links": False,
    "unfurl_media": False,
    "parse": "none",
    "link_names": False,
}
UNREACHED = (SlackApiError, OSError, HTTPException)


@dataclass(frozen=True)
class Trouble:
    """Why Slack did not take something: for good or not, and how long it asks us to wait."""

    message: str
    final: bool
    wait: timedelta | None = None


class BriefWait(RateLimitErrorRetryHandler):
    """Waits where it stands for as long as Slack asks, but no longer than three seconds.

    A longer wait would hold a worker up; it goes to the delivery's row instead.
    """

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        return (response.headers.get("retry-after") or [""])[0] in ("0", "1", "2", "3")


def client() -> WebClient:
    """Slack's Web API under the deployment's token."""
    return WebClient(
        token=settings.SLACK_BOT_TOKEN,
        base_url=settings.SLACK_API_URL,
        timeout=TIMEOUT_SECONDS,
        logger=sdk_log,
        retry_handlers=[BriefWait()],
    )


def deliver(question_id: UUID | str) -> None:
    """Post the outcome of a finished question into its thread, once; `sweep` retries what fails."""
    questions = Question.objects.select_related("conversation")
    question = questions.filter(pk=question_id, door=Door.SLACK).first()
    if question is None or not question.finished:
        return
    delivery = Delivery.of(question)
    if not delivery.claim():
        return
    try:
        _send(delivery, question)
    except UNREACHED as error:
        _settle(delivery, trouble(error))


def _send(delivery: Delivery, question: Question) -> None:
    page = f"{settings.PUBLIC_URL}/conversation/{question.conversation_id}"
    messages = blocks.messages(present.question(question), page=page)
    for message in messages[delivery.parts_sent :]:
        post(delivery.channel, message, thread_ts=delivery.thread_ts)
        if not delivery.part_sent():
            return
    delivery.sent()


def _settle(delivery: Delivery, why: Trouble) -> None:
    # A question may have waited for approval for a day.
    since = max(delivery.created_at, delivery.question.finished_at or delivery.created_at)
    late = timezone.now() - since > GIVE_UP_AFTER
    often = delivery.attempts >= MAX_ATTEMPTS and why.wait is None
    if why.final or late or often:
        delivery.failed(why.message)
        log.error("an answer did not reach Slack: %s", why.message, extra={"delivery": delivery.pk})
    else:
        delivery.retry_in(why.wait or PAUSE * delivery.attempts, why.message)


def post(channel: str, message: blocks.Message, *, thread_ts: str | None = None) -> str:
    """Post one message; its timestamp, which is also its name. Raises one of UNREACHED."""
    answer = client().chat_postMessage(
        channel=channel,
        text=message.text,
        blocks=message.blocks or None,
        thread_ts=thread_ts,
        **PLAIN,
    )
    return str(answer["ts"])


def tell(command: Command, text: str) -> None:
    """Say something to the person who gave the command, alone. Raises one of UNREACHED."""
    if not _is_slacks(command.response_url):
        client().chat_postEphemeral(
            channel=command.channel, user=command.user, text=blocks.escape(text), **PLAIN
        )
        return
    hook = WebhookClient(
        command.response_url, timeout=TIMEOUT_SECONDS, logger=sdk_log, retry_handlers=[BriefWait()]
    )
    answer = hook.send(text=blocks.escape(text), response_type="ephemeral")
    if answer.status_code != 200:
        raise OSError(f"the response URL answered {answer.status_code}")


def _is_slacks(url: str) -> bool:
    """Whether `url` leads to Slack: the host of the API itself, or its `hooks.` neighbour."""
    api, target = urlsplit(settings.SLACK_API_URL), urlsplit(url)
    return target.scheme == api.scheme and target.netloc in (api.netloc, f"hooks.{api.netloc}")


def trouble(error: Exception) -> Trouble:
    """What an exception of UNREACHED means for the next attempt."""
    if not isinstance(error, SlackApiError):
        return Trouble(f"Slack did not answer: {error}"[:500], final=False)
    response = error.response
    if response.status_code == 429:
        return Trouble(
            "Slack asks us to slow down", final=False, wait=_retry_after(response.headers)
        )
    reason = str(response.get("error"))[:500]
    passing = response.status_code >= 500 or reason in PASSING
    return Trouble(f"Slack says {reason}", final=not passing)


def _retry_after(headers: dict[str, str]) -> timedelta:
    value = headers.get("Retry-After", "")
    seconds = int(value) if is_digits(value, 5) else 30
    return min(timedelta(seconds=max(seconds, 1)), LONGEST_PAUSE)
