"""Alerts reach a Slack channel: read from the record like by anybody else, at least once each.

A block whose alerts did not all arrive is told of again. While Slack does not take them, they wait;
how long and why stands under `outlets` in `/api/health`.
"""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from audit import following
from audit.models import Entry
from gateway.alerts import message
from gateway.outlets import resting
from slackapp import blocks, posting

NAME = "slack_alerts"
LONGEST = 2900


def post_new() -> int:
    """Post what alerts have been raised since, and say how many blocks were read.

    A channel that is new hears of what is raised from now on.
    """
    if not (settings.SLACK_ALERT_CHANNEL and settings.SLACK_BOT_TOKEN):
        return 0
    following.start_at_the_end(NAME)
    read = 0
    while not resting.rests(NAME) and (some := _deliver()):
        read += some
    return read


def _deliver() -> int:
    try:
        return following.deliver(NAME, post_all)
    except posting.UNREACHED as error:
        resting.failed(NAME, posting.trouble(error).message)
        return 0


def post_all(entries: "QuerySet[Entry]") -> None:
    """Post each alert among these entries. Raises one of `posting.UNREACHED`."""
    raised = [one.detail for one in entries.filter(kind=Entry.Kind.ALERT_RAISED)]
    told = [alert for alert in raised if isinstance(alert, dict) and alert.get("incident")]
    for alert in told:
        posting.post(settings.SLACK_ALERT_CHANNEL, as_message(alert))
    if told or resting.fares(NAME).error:
        resting.worked(NAME, len(told))


def as_message(alert: dict[str, Any]) -> blocks.Message:
    """The alert as plain text, which Slack reads nothing into, and a link to its incident."""
    lines = message.text(alert).strip().splitlines()[:-1]
    text = "\n".join(lines).strip()[:LONGEST]
    link = f"<{alert['incident']['url']}|Look at it>"
    sections = (
        {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}},
        {"type": "section", "text": {"type": "mrkdwn", "text": link}},
    )
    return blocks.Message(blocks.escape(message.subject(alert)), sections)
