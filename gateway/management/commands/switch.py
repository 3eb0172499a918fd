"""`manage.py switch off server database_mcp`: the kill switches, from the terminal."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import AccountsError
from audit.record import Who
from gateway import switching
from gateway.errors import GatewayError
from gateway.models import Door
from gateway.switching import Kind


class Command(BaseCommand):
    help = "Switch a person, a role, a server or a tool off or on again, in force at the next call."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["off", "on", "list"])
        parser.add_argument("kind", nargs="?", choices=Kind.values)
        parser.add_argument("name", nargs="?", help="; ".join(map(str, Kind.labels)))
        parser.add_argument("--reason", default="", help="Why; it stands on the record.")
        parser.add_argument(
            "--author", default="command line", help="Who the record names as the author."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "list":
            for kind, name in switching.all_off():
                self.stdout.write(f"{kind.value} {name}")
            return
        if not options["kind"] or not options["name"]:
            raise CommandError("Say what: person, role, server or tool, and its name.")
        kind, on = Kind(options["kind"]), options["what"] == "on"
        who = Who(person=options["author"], door=Door.CLI)
        try:
            changed = switching.switch(
                kind, options["name"], on=on, by=None, who=who, reason=options["reason"]
            )
        except (AccountsError, GatewayError) as error:
            raise CommandError(str(error)) from None
        said = "" if changed else " already"
        self.stdout.write(f"{kind.value} {options['name']} is{said} {options['what']}.")
