"""`manage.py outcomes`: calls of which nobody knows what became of them, and saying it."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import AccountsError
from gateway import outcomes
from gateway.errors import GatewayError
from gateway.management.commands.ask import asker_named
from gateway.models import Call


class Command(BaseCommand):
    help = "Show the calls whose outcome is unknown, or say of one what became of it, as a person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "do", nargs="?", choices=["list", "carried-out", "not-carried-out"], default="list"
        )
        parser.add_argument("id", nargs="?", help="The call, from the list.")
        parser.add_argument("--as", dest="person", required=True, metavar="EMAIL")
        parser.add_argument("--note", default="", help="How it is known; it stands on the record.")

    def handle(self, *args: Any, **options: Any) -> None:
        asker = asker_named(options["person"])
        try:
            if options["do"] == "list":
                self._list(list(outcomes.to_settle(asker)))
                return
            carried_out = options["do"] == "carried-out"
            note = options["note"]
            row = outcomes.settle(
                _id(options["id"]), carried_out=carried_out, note=note, asker=asker
            )
        except (GatewayError, AccountsError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{row}: {row.get_settled_display()}.")

    def _list(self, calls: list[Call]) -> None:
        if not calls:
            self.stdout.write("Of every call it is known what became of it.")
        for call in calls:
            # In ASCII, so that no character of a caller's moves or hides what is shown.
            arguments = json.dumps(call.arguments)
            self.stdout.write(f"{call.pk}  {call.created_at:%Y-%m-%d %H:%M}  {call.person.email}")
            self.stdout.write(f"    {call} {arguments}")


def _id(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        raise CommandError("Name the call by its id; `outcomes list` shows it.") from None
