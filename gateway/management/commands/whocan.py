"""`manage.py whocan PERSON SERVER TOOL`: may this person call this tool, and which rule says so?"""

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table
from rich.text import Text

from accounts import access
from accounts.errors import PolicyUnavailable
from accounts.models import User
from accounts.policy import Decision, Policy, decide
from gateway.api_parsing import Malformed, strict_loads
from gateway.toolbox import target_of, with_defaults
from registry.models import Server, Tool

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
        user, tool = _person(options["person"]), _tool(options["server"], options["tool"])
        given = _arguments(options["arguments"])
        arguments = None if given is None else with_defaults(tool, given)
        policy, version = _policy()
        decision = decide(
            policy, access.subject_of(user), target_of(tool), arguments, timezone.now()
        )
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(user, tool, decision, version=version), indent=1))
        else:
            self.stdout.write(_as_text(user, tool, decision, version=version))


def _person(email: str) -> User:
    found = User.objects.select_related("role").filter(email=_clean(email).lower()).first()
    if found is None:
        known = User.objects.values_list("email", flat=True)
        raise CommandError(f"There is no person {email!r}.{_nearest(email.lower(), known)}")
    return found


def _tool(server: str, name: str) -> Tool:
    """The stored tool of exactly this name; nothing is normalised into a match."""
    if not Server.objects.filter(name=_clean(server)).exists():
        servers = Server.objects.values_list("name", flat=True)
        raise CommandError(f"There is no server {server!r}.{_nearest(server, servers)}")
    tools = Tool.objects.select_related("server").filter(server__name=server)
    found = tools.filter(name=_clean(name)).first()
    if found is None:
        names = tools.values_list("name", flat=True)
        raise CommandError(f"The server {server} has no tool {name!r}.{_nearest(name, names)}")
    return found


def _clean(text: str) -> str:
    """The text, or nothing for one with a NUL, which PostgreSQL would raise an error for."""
    return "" if "\x00" in text else text


def _nearest(wanted: str, known: Iterable[str]) -> str:
    near = get_close_matches(wanted, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _arguments(text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        given = strict_loads(text.encode())
    except (Malformed, UnicodeEncodeError) as error:
        raise CommandError(f"--arguments: {error}") from None
    if not isinstance(given, dict):
        raise CommandError('--arguments: a JSON object is expected, as in {"limit": 10}')
    return given


def _policy() -> tuple[Policy, str]:
    try:
        return access.current()
    except PolicyUnavailable as error:
        raise CommandError(f"{error} {error.__cause__}") from None


def _as_json(user: User, tool: Tool, decision: Decision, *, version: str) -> dict[str, Any]:
    place = {"person": user.email, "server": tool.server.name, "tool": tool.name}
    steps = [asdict(step) for step in decision.trace]
    return {**place, **decision.summary(), "policy_version": version, "trace": steps}


def _as_text(user: User, tool: Tool, decision: Decision, *, version: str) -> str:
    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(Text.assemble(_styled(decision.effect), f"  {user.email} → {tool}"))
        console.print(Text(f"{decision.layer}: {decision.rule}\n{decision.reason}"))
        if decision.fix:
            console.print(Text(f"To change it: {decision.fix}."))
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
