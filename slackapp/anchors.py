"""The head of the record is posted to a Slack channel, where the database's owner cannot unsay it.

At most once an hour, when something was sealed since: the same line of JSON as in the file of
anchors, so that it can be held against the record with `verify_audit --anchor`.
"""

import json
from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from audit.anchoring import Anchor
from audit.models import Block
from gateway.models import Outlet
from gateway.outlets import resting
from slackapp import blocks, posting

NAME = "slack_anchors"
EVERY = timedelta(hours=1)


def post_head() -> bool:
    """Post the head where one is due; whether it was. What fails is tried again after a pause."""
    if not (settings.SLACK_ANCHOR_CHANNEL and settings.SLACK_BOT_TOKEN) or resting.rests(NAME):
        return False
    head = Block.objects.defer("witness").order_by("-number").first()
    if head is None or not _is_due(head):
        return False
    try:
        posting.post(settings.SLACK_ANCHOR_CHANNEL, as_message(Anchor.of(head)))
    except posting.UNREACHED as error:
        resting.failed(NAME, posting.trouble(error).message)
        return False
    resting.worked(NAME, 1)
    return True


def _is_due(head: Block) -> bool:
    sent = Outlet.objects.filter(name=NAME).values_list("sent_at", flat=True).first()
    return sent is None or (head.sealed_at > sent and timezone.now() - sent >= EVERY)


def as_message(anchor: Anchor) -> blocks.Message:
    """The anchor as one line of JSON, which Slack reads nothing into."""
    line = json.dumps(asdict(anchor))
    text = {"type": "plain_text", "text": line, "emoji": False}
    said = f"The record's head: block {anchor.number}, {anchor.digest}"
    return blocks.Message(said, ({"type": "section", "text": text},))
