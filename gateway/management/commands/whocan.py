"""`manage.py whocan PERSON SERVER TOOL`: may this person call this tool, and which rule says so?"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from accounts import access
from accounts.errors import PolicyUnavailable
from accounts.policy import Decision
from gateway import explain
from gateway.errors import BadRequest, GatewayError
from gateway.explain import Explanation
from gateway.management.commands.ask import access_command

STYLES = {
    "allow": "green",
    "deny": "bold red",
    "ask": "yellow",
    "bypass": "magenta",
    "not yet known": "cyan",
}


class Command(BaseCommand):
    help = (
        "Say whether a person may call a tool, by which rule, and what every layer of the policy"
        " answered. Nothing is called and nothing is changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="PERSON", help="The person's e-mail address.")
        parser.add_argument("server", metavar="SERVER", help="The server's name.")
        parser.add_argument("tool", metavar="TOOL", help="The tool's own name.")
        parser.add_argument(
            "--arguments", metavar="JSON", help="Decide on these; without, whether it is shown."
        )
        parser.add_argument("--json", action="store_true", help="Print everything as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            subject = access.subject_of(explain.find_person(options["person"]))
            tool = explain.find_tool(options["server"], options["tool"])
            arguments = explain.read_arguments(options["arguments"])
            found = explain.explain(subject, tool, arguments)
        except BadRequest as error:
            raise CommandError(f"--arguments: {error}") from None
        except GatewayError as error:
            raise CommandError(str(error)) from None
        except PolicyUnavailable as error:
            raise CommandError(f"{error} {error.__cause__}") from None
        self.stdout.write(
            json.dumps(found.as_json(), indent=1) if options["json"] else _text(found)
        )


def _text(found: Explanation) -> str:
    decision = found.decision
    who, version = found.subject.person, found.policy_version
    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(Text.assemble(_styled(decision.effect), f"  {who} → {found.tool}"))
        console.print(Text(f"{decision.layer}: {decision.rule}\n{decision.reason}"))
        if decision.fix:
            console.print(Text(f"To change it: {decision.fix}."))
        if decision.grant_helps:
            place = (found.tool.server.name, found.tool.name)
            console.print(Text(access_command(who, *place), style="dim"))
        for rule in decision.bypassed:
            console.print(Text.assemble(("bypassed", STYLES["bypass"]), f": {rule}"))
        console.print(_table(decision))
        console.print(Text(f"policy version {version[:12]}", style="dim"))
    return captured.get()


def _table(decision: Decision) -> Table:
    table = Table("layer", "verdict", "rule", "why")
    for step in decision.trace:
        table.add_row(step.layer, _styled(step.verdict), Text(step.rule), Text(step.reason))
    return table


def _styled(verdict: str) -> Text:
    return Text(str(verdict), style=STYLES.get(str(verdict), ""))
