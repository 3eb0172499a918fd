"""What a slash command says, taken out of the form Slack sends it in. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slackapp import blocks

QUESTION = "/omni"


@dataclass(frozen=True)
class Command:
    """A question and where it was asked. `thread_ts` is the parent message, once it is posted."""

    text: str
    team: str
    user: str
    channel: str
    response_url: str
    from_bot: bool = False
    thread_ts: str = ""


def command_of(body: Mapping[str, Any]) -> Command | None:
    """The question in a request; None when there is none."""
    text = blocks.unescape(str(body.get("text", ""))).strip()
    if body.get("command") != QUESTION or not text:
        return None
    return Command(
        text=text,
        team=str(body.get("team_id", "")),
        user=str(body.get("user_id", "")),
        channel=str(body.get("channel_id", "")),
        response_url=str(body.get("response_url", "")),
        from_bot="bot_id" in body or body.get("user_id") == "USLACKBOT",
    )
