"""A slash command is taken up: who is it, may they, and then the question gets its thread."""

import logging
from dataclasses import asdict, replace

from celery import Task

from accounts.models import User
from audit import record
from audit.models import Entry
from audit.record import Who
from gateway import ask as asking
from gateway.asker import Asker
from gateway.errors import GatewayError
from gateway.models import Door
from slackapp import blocks, newcomers, posting
from slackapp.commands import Command
from slackapp.models import Delivery, SeenRequest

log = logging.getLogger(__name__)

UNKNOWN = (
    "I do not know you yet. Ask an administrator to enter your Slack ids on your OMNI2 account:"
    " team {team}, user {user}."
)
REFUSALS = {
    "bot": "I answer people only.",
    "unknown": UNKNOWN,
    "pending": "Your OMNI2 account is waiting for an administrator's approval.",
    "entered": (
        "Welcome. Your OMNI2 account has been made; an administrator must approve it before you"
        " can ask. Please try again then."
    ),
    "suspended": "Your OMNI2 account is suspended. An administrator can lift that.",
    "role_off": "Your role has been switched off. An administrator can change that.",
    "inactive": "Your OMNI2 account has been switched off. An administrator can change that.",
}
NO_ENTRY = (
    "I cannot post in this channel ({reason}). Invite me with /invite, or ask where I am a member."
)
GIVEN_UP = "I could not take your question up. Nothing was run; please ask it again."


def take_up(request_id: int, *, task: Task) -> None:
    """Refuse the person or ask their question, with `task` to answer it; at most one of us does.

    What goes wrong in passing is tried again by the sweep; after the last time the person is told.
    """
    request = SeenRequest.objects.filter(pk=request_id).first()
    if request is None or not request.claim():
        return
    try:
        _answer(request, Command(**request.command), task=task)
    except Exception:
        log.exception("a Slack command could not be taken up", extra={"request": request_id})
        if request.attempts < SeenRequest.MAX_ATTEMPTS:
            request.release()
            return
        _give_up(Command(**request.command))
    request.finish()


def _answer(request: SeenRequest, command: Command, *, task: Task) -> None:
    person, standing = who_asks(command)
    if standing == "unknown":
        person, standing = _newcomer(command)
    if person is None or standing:
        _refuse(command, person, standing=standing)
        return
    thread_ts = command.thread_ts or _open_thread(request, command)
    if thread_ts:
        _ask(request, replace(command, thread_ts=thread_ts), person=person, task=task)


def who_asks(command: Command) -> tuple[User | None, str]:
    """The person behind exactly this Slack team and user, and why they may not ask (or nothing)."""
    if command.from_bot:
        return None, "bot"
    people = User.objects.select_related("role").exclude(slack_user_id="").exclude(slack_team_id="")
    person = people.filter(slack_team_id=command.team, slack_user_id=command.user).first()
    if person is None:
        return None, "unknown"
    standing = person.standing()
    return person, "" if standing == "active" else standing


def _newcomer(command: Command) -> tuple[User | None, str]:
    person = newcomers.let_in(command, _who(command, None))
    if person is None:
        return None, "unknown"
    standing = person.standing()
    return person, {"active": "", "pending": "entered"}.get(standing, standing)


def _refuse(command: Command, person: User | None, *, standing: str) -> None:
    record.write(
        Entry.Kind.AUTH_REFUSED,
        Entry.Outcome.REFUSED,
        who=_who(command, person),
        error_code=standing,
        detail={"slack_team": command.team, "slack_user": command.user},
    )
    posting.tell(command, REFUSALS[standing].format(team=command.team, user=command.user))


def _who(command: Command, person: User | None) -> Who:
    return Who(
        person=person.email if person else "",
        role=person.role.name if person and person.role else "",
        door=Door.SLACK,
        channel=command.channel,
        thread=command.thread_ts,
    )


def _open_thread(request: SeenRequest, command: Command) -> str:
    """Post the message the thread hangs on and keep its name; empty when Slack will not have it."""
    text = blocks.parent(command.user, command.text)
    try:
        thread_ts = posting.post(command.channel, blocks.Message(text, ()))
    except posting.UNREACHED as error:
        why = posting.trouble(error)
        if not why.final:
            raise
        posting.tell(command, NO_ENTRY.format(reason=why.message))
        return ""
    request.command = asdict(replace(command, thread_ts=thread_ts))
    request.save(update_fields=["command"])
    return thread_ts


def _ask(request: SeenRequest, command: Command, *, person: User, task: Task) -> None:
    try:
        question = asking.ask(
            command.text,
            asker=Asker(person, _who(command, person)),
            door=Door.SLACK,
            external_key=f"{command.channel}:{command.thread_ts}",
            idempotency_key=f"slack:{request.signature}",
            task=task,
        )
    except GatewayError as error:
        message = blocks.notice(error.message)
        posting.post(command.channel, message, thread_ts=command.thread_ts)
        return
    Delivery.of(question)


def _give_up(command: Command) -> None:
    try:
        posting.tell(command, GIVEN_UP)
    except posting.UNREACHED:
        log.warning("nor could the person be told", exc_info=True)
