"""`manage.py probe URL`: look at a server before it is registered, from the terminal."""

import json
import shlex
from argparse import ArgumentParser
from dataclasses import asdict
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from audit.record import Who
from registry.errors import RegistryError
from registry.importing import ServerSpec
from registry.probe import Target, probe
from registry.probed import Seen
from registry.registering import register

DOOR = "cli"


class Command(BaseCommand):
    help = (
        "Look at an MCP server or an OpenAPI document by its URL, or at a command that "
        "OMNI2_STDIO_COMMANDS lists. "
        "Nothing is stored; that somebody looked is on the record."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", nargs="?", default="")
        parser.add_argument(
            "--command", default="", help='Instead of a URL, as in "mcp-server-time --utc".'
        )
        parser.add_argument(
            "--bearer", metavar="VARIABLE", help="Send the token that this variable holds."
        )
        parser.add_argument("--register", metavar="NAME", help="Register what is found.")
        parser.add_argument("--json", action="store_true", help="All of it, as JSON.")
        parser.add_argument(
            "--author", default="command line", help="Who the record names as the author."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["url"]) == bool(options["command"]):
            raise CommandError("Give a URL, or --command with a whole command.")
        target = _target(options)
        who = Who(person=options["author"], door=DOOR)
        try:
            seen = probe(target, who=who)
            self._show(seen, as_json=options["json"])
            if options["register"]:
                register(_spec(options["register"], seen, target), who=who)
        except RegistryError as error:
            raise CommandError(f"{error.message}\n{error.hint}".strip()) from None
        if options["register"]:
            name = options["register"]
            self.stdout.write(f"Registered as {name}. Read its tools: manage.py sync_tools {name}")

    def _show(self, seen: Seen, *, as_json: bool) -> None:
        if as_json:
            said = {**asdict(seen), "generation": seen.generation}
            self.stdout.write(json.dumps(said, indent=2, ensure_ascii=False))
            return
        width = None if self.stdout.isatty() else 160
        console = Console(file=cast(IO[str], self.stdout), width=width)
        for line in _lines(seen):
            console.print(Text(line))
        for warning in seen.warnings:
            console.print(Text(f"! {warning}", style="yellow"))
        if seen.tools:
            console.print(_table(seen))


def _target(options: dict[str, Any]) -> Target:
    if not options["bearer"]:
        return Target(options["url"], tuple(shlex.split(options["command"])))
    credential = {"api_key": f"${{{options['bearer']}}}"}
    return Target(options["url"], authentication="bearer", credential=credential)


def _spec(name: str, seen: Seen, target: Target) -> ServerSpec:
    credentials = {"authentication": dict(target.credential)} if target.credential else {}
    return ServerSpec(
        name=name,
        transport=seen.transport,
        url=seen.url,
        document_url=seen.document_url,
        argv=seen.argv,
        authentication=target.authentication,
        credentials=credentials,
    )


def _lines(seen: Seen) -> list[str]:
    version = f", {seen.protocol_version}" if seen.protocol_version else ""
    generation = f" ({seen.generation})" if seen.generation else ""
    lines = [f"{seen.url or ' '.join(seen.argv)}: {seen.transport_name}{version}{generation}"]
    lines += [f"described by {seen.document_url}"] if seen.document_url else []
    if seen.challenge is None:
        return lines
    wanted = seen.challenge
    lines.append(f"It wants a credential: {wanted.scheme or 'it does not say which'}")
    lines += [f"metadata: {wanted.metadata_url}"] if wanted.metadata_url else []
    return lines + [f"tokens come from {url}" for url in wanted.authorization_servers]


def _table(seen: Seen) -> Table:
    table = Table("tool", "declares", "remarks")
    for tool in seen.tools:
        remarks = [f"cannot be offered: {tool.flaw}"] if tool.flaw else []
        remarks += [*tool.warnings, *([] if tool.has_hints else ["no hints"])]
        table.add_row(Text(tool.name), Text(tool.effect), Text("\n".join(remarks)))
    return table
