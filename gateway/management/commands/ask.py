"""`manage.py ask "…"`: a question from the terminal, with its live steps."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from accounts.models import User
from audit.record import Who
from gateway import ask, errors, present, progress
from gateway.asker import Asker
from gateway.citations.telling import footnotes
from gateway.models import Approval, Call, Door, Question


class Command(BaseCommand):
    help = (
        "Ask a question as a person, and show each step as it happens. Exit 0 only when answered."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--as", dest="person", required=True, metavar="EMAIL")
        parser.add_argument(
            "--conversation", default="", help="Continue the conversation of this id."
        )
        parser.add_argument("--json", action="store_true", help="Print the whole question as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        asker = asker_named(options["person"])
        console = Console(stderr=options["json"], highlight=False)
        try:
            question = ask.ask(
                options["question"],
                asker=asker,
                door=Door.CLI,
                conversation=options["conversation"] or None,
            )
        except errors.GatewayError as error:
            raise CommandError(f"{error.code}: {error.message}") from None
        follow(question, console)
        question = ask.wait(question.pk, timeout=10)
        if options["json"]:
            self.stdout.write(json.dumps(present.question(question), indent=1))
        else:
            show_end(question, console)
        if question.state == Question.State.WAITING:
            raise CommandError("waiting: this question waits for somebody's approval.")
        if question.state != Question.State.ANSWERED:
            raise CommandError(f"{question.state}: {question.error_message or question.error_code}")


def asker_named(email: str) -> Asker:
    """A person by e-mail address. Whoever may run commands here may speak for anybody: it is
    recorded.
    """
    user = User.objects.select_related("role").filter(email=email.lower()).first()
    if user is None:
        raise CommandError(
            f"There is no person {email}. Import people first, or check the spelling."
        )
    role = user.role.name if user.role else ""
    return Asker(user, Who(person=user.email, role=role, door=Door.CLI))


def follow(question: Question, console: Console) -> None:
    """Print the steps of the question until it is done, or waits for approval."""
    after = ""
    while True:
        for event in progress.read(question.pk, after):
            after = event.id
            if event.kind in ("done", "waiting"):
                return
            line = _line(event)
            if line:
                console.print(Text(line, style="dim"))
        if Question.objects.get(pk=question.pk).state not in Question.ACTIVE:
            return
        time.sleep(0.05)


def _line(event: progress.Event) -> str:
    data = event.data
    where = f"{data.get('server')}/{data.get('tool')}"
    match event.kind:
        case "turn":
            return f"… turn {data['number']}"
        case "calling":
            return f"→ {where} {json.dumps(data['arguments'], ensure_ascii=False)}"
        case "called":
            return f"← {where} {data['state']} in {data['milliseconds']} ms"
        case "refused":
            return f"✗ {where}: {data.get('reason', '')}"
    return ""


def why(call: Call, person: str) -> str:
    """Reason, layer and rule of a refused call, and the way to a yes."""
    told = errors.refusal(call.decision)
    lines = [told["reason"], f"{told['layer']}: {told['rule']}"]
    lines += [f"To change it: {told['fix']}."] if told["fix"] else []
    if told["grant_helps"]:
        lines.append(access_command(person, call.server, call.tool))
    return "\n".join(f"    {line}" for line in lines if line != ": ")


def access_command(person: str, server: str, tool: str) -> str:
    """What to type to request access to a tool."""
    return f"manage.py access_requests ask {person} {server} {tool} --reason …"


def how_to_approve(approval: Mapping[str, Any]) -> str:
    """What waits for a yes, why, and what somebody else has to type to give it."""
    called = f"{approval['server']}/{approval['tool']} {json.dumps(approval['arguments'])}"
    if approval["state"] == Approval.State.APPROVED:
        return f"  {called} is approved, and made once its server's limit has room"
    return (
        f"  {called} waits for approval until {approval['expires_at'][:16]}: {approval['rule']}\n"
        f"    manage.py approvals approve {approval['id']} --as …"
    )


def show_end(question: Question, console: Console) -> None:
    """Print the answer, then what it rests on and what it cost."""
    if question.answer:
        console.print(Markdown(question.answer))
        for line in footnotes(present.question(question)):
            console.print(Text(f"  {line}", "dim"))
    for call in question.calls.all():
        console.print(
            Text(f"  {call.server}/{call.tool}  {call.state}  {call.milliseconds} ms", "cyan")
        )
        if call.state == Call.State.REFUSED:
            console.print(Text(why(call, question.person.email)))
    for approval in present.waiting(question):
        console.print(Text(how_to_approve(approval), "yellow"))
    cost = "unknown" if question.cost is None else f"${question.cost:.4f}"
    tokens = question.input_tokens + question.output_tokens
    console.print(
        Text(f"  {question.model or 'no model'} · {tokens} tokens · {cost} · {question.pk}", "dim")
    )
