"""`manage.py access_requests`: ask for access, see what is open, decide, withdraw."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.errors import AccountsError
from accounts.models import AccessRequest
from gateway import access_requests
from gateway.asker import Asker
from gateway.errors import GatewayError
from gateway.management.commands.ask import asker_named


class Command(BaseCommand):
    help = (
        "Requests for access: list the open ones, ask for tools, grant, refuse or withdraw. Every"
        " action is a named person's, and on the record."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listed = verbs.add_parser("list", help="The open requests.")
        listed.add_argument("--all", action="store_true", help="Those that are closed as well.")
        ask = verbs.add_parser("ask", help="Ask for tools of a server, for a person.")
        ask.add_argument("person", metavar="PERSON")
        ask.add_argument("server", metavar="SERVER")
        ask.add_argument("tools", metavar="TOOL", nargs="+", help="Names or patterns.")
        ask.add_argument("--reason", required=True, help="Why they are needed.")
        grant = _decision(verbs.add_parser("grant", help="Say yes, until a day."))
        grant.add_argument(
            "--days", type=int, default=settings.GRANT_DAYS, help="How long the grant lasts."
        )
        grant.add_argument("--answer", default="")
        refuse = _decision(verbs.add_parser("refuse", help="Say no."))
        refuse.add_argument("--answer", required=True, help="Why not.")
        _decision(verbs.add_parser("withdraw", help="Take one's own request back."))

    def handle(self, *args: Any, **options: Any) -> None:
        verb: Callable[..., None] = getattr(self, f"_{options['verb']}")
        try:
            verb(options)
        except (GatewayError, AccountsError) as error:
            raise CommandError(str(error)) from None

    def _list(self, options: dict[str, Any]) -> None:
        rows = AccessRequest.objects.select_related("person", "grant")
        for row in rows if options["all"] else rows.open():
            self.stdout.write(_line(row))

    def _ask(self, options: dict[str, Any]) -> None:
        asker = asker_named(options["person"])
        row = access_requests.request(
            asker, server=options["server"], tools=options["tools"], reason=options["reason"]
        )
        self.stdout.write(_line(row))

    def _grant(self, options: dict[str, Any]) -> None:
        row, by = _named(options)
        until = access_requests.end_after(options["days"])
        row = access_requests.grant(row, by=by, until=until, answer=options["answer"])
        self.stdout.write(_line(row))

    def _refuse(self, options: dict[str, Any]) -> None:
        row, by = _named(options)
        self.stdout.write(_line(access_requests.refuse(row, by=by, answer=options["answer"])))

    def _withdraw(self, options: dict[str, Any]) -> None:
        row, by = _named(options)
        self.stdout.write(_line(access_requests.withdraw(row, by=by)))


def _decision(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("number", type=int, metavar="NUMBER", help="The request's, from the list.")
    parser.add_argument("--as", dest="person", required=True, metavar="EMAIL", help="Who does it.")
    return parser


def _named(options: dict[str, Any]) -> tuple[AccessRequest, Asker]:
    by = asker_named(options["person"])
    return access_requests.find(by.user, options["number"]), by


def _line(row: AccessRequest) -> str:
    until = f" until {row.grant.expires_at:%Y-%m-%d}" if row.grant and row.grant.expires_at else ""
    by = f" by {row.decided_by}" if row.decided_by else ""
    said = f" ({row.answer})" if row.answer else ""
    return f"{row.pk}  {row}: {row.reason}  [{row.state}{by}{until}]{said}"
