"""`manage.py approvals`: the calls that wait for somebody's yes, and saying it."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from gateway import deciding, errors
from gateway.asker import Asker
from gateway.management.commands.ask import asker_named
from gateway.models import Approval


class Command(BaseCommand):
    help = "Show the calls that wait for approval, and approve or refuse one, as a person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("do", nargs="?", choices=["list", "approve", "refuse"], default="list")
        parser.add_argument("id", nargs="?", help="The approval to decide on.")
        parser.add_argument("--as", dest="person", required=True, metavar="EMAIL")
        parser.add_argument("--reason", default="", help="What whoever asked gets to read.")

    def handle(self, *args: Any, **options: Any) -> None:
        asker = asker_named(options["person"])
        if options["do"] == "list":
            self._list("Yours to decide:", deciding.to_decide(asker))
            self._list("Asked by you:", deciding.asked_by(asker)[:20])
            return
        approval = self._decide(asker, options)
        self.stdout.write(f"{approval} is {approval.get_state_display().lower()}.")

    def _decide(self, asker: Asker, options: dict[str, Any]) -> Approval:
        try:
            approval_id = UUID(options["id"] or "")
        except ValueError:
            raise CommandError("Name the approval by its id; `approvals list` shows it.") from None
        approve = options["do"] == "approve"
        try:
            return deciding.decide(
                approval_id, approve=approve, asker=asker, reason=options["reason"]
            )
        except errors.GatewayError as error:
            raise CommandError(f"{error.code}: {error.message}") from None

    def _list(self, title: str, rows: Iterable[Approval]) -> None:
        found = list(rows)
        if not found:
            return
        self.stdout.write(title)
        for row in found:
            # In ASCII, so that no character of a caller's moves or hides what is shown.
            arguments = json.dumps(row.arguments)
            rule = row.decision.get("rule", "")
            self.stdout.write(f"  {row.pk}  {row.get_state_display()}")
            self.stdout.write(f"    {row.person.email}: {row.server}/{row.tool} {arguments}")
            self.stdout.write(f"    {rule}; until {row.expires_at:%Y-%m-%d %H:%M}")
