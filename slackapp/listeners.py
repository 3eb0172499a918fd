"""What Bolt hears: acknowledged at once, and only handed on."""

from slack_bolt import Ack, App, BoltContext

from gateway import work
from slackapp import commands, tasks

TAKEN = "Got it. The answer will be in a thread in this channel."
USAGE = f"Ask a question: `{commands.QUESTION} What time is it in Tokyo?`"


def register(app: App) -> None:
    """Hang every listener on `app`."""
    app.command(commands.QUESTION)(ack=acknowledge, lazy=[hand_on])


def acknowledge(ack: Ack, command: dict[str, str]) -> None:
    """Tell the person, and only the person, that the question has come in."""
    ack(TAKEN if command.get("text", "").strip() else USAGE)


def hand_on(context: BoltContext) -> None:
    """Wake a worker up; the request is on its row, so `sweep` makes up for a lost call."""
    work.start(tasks.take_up, context["seen_request"])
