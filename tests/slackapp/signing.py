"""Requests as Slack makes them: bodies of slash commands, signed."""

import itertools
import time
from typing import Any
from urllib.parse import urlencode

from slackapp import signature
from tests.fakes.slack_api import TEAM

SECRET = "made-up-signing-secret"
PATH = "/slack/events"
FORM = "application/x-www-form-urlencoded"
_number = itertools.count(1)


def slash(text: str = "What time is it in Tokyo?", **fields: str) -> dict[str, str]:
    """The fields of `/omni <text>`, each call with a trigger id of its own."""
    usual = {
        "command": "/omni",
        "text": text,
        "team_id": TEAM,
        "user_id": "U0DEV",
        "channel_id": "C0GENERAL",
        "trigger_id": f"trigger.{next(_number)}",
        "response_url": "",
    }
    return usual | fields


def signed(
    body: dict[str, str] | bytes, *, secret: str = SECRET, age: float = 0, **headers: str
) -> dict[str, Any]:
    """What Django's test client needs to send `body` as Slack would have, `age` seconds ago."""
    data = body if isinstance(body, bytes) else urlencode(body).encode()
    timestamp = str(int(time.time() - age))
    sent = {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature.sign(data, timestamp, secret),
    }
    return {"path": PATH, "data": data, "content_type": FORM, "headers": sent | headers}
