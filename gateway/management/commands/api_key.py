"""`manage.py api_key issue dev@example.com --name laptop`: API keys from the terminal."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import issuing
from accounts.errors import AccountsError
from accounts.models import ApiKey, User
from audit.record import Who
from gateway.models import Door


class Command(BaseCommand):
    help = "Issue a key for a person (printed once), list keys, or revoke one by its prefix."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["issue", "list", "revoke"])
        parser.add_argument("of", nargs="?", default="", help="An e-mail address, or a prefix.")
        parser.add_argument("--name", default="command line", help="What the key is for.")
        parser.add_argument(
            "--scope", action="append", choices=ApiKey.Scope.values, help="May stand repeatedly."
        )
        parser.add_argument("--server", action="append", help="Only this one; repeatedly: these.")
        parser.add_argument("--days", type=int, help="How long it works.")
        parser.add_argument(
            "--author", default="command line", help="Who the record names as the author."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        who = Who(person=options["author"], door=Door.CLI)
        of = options["of"].replace("\x00", "")
        try:
            {"issue": self._issue, "list": self._list, "revoke": self._revoke}[options["what"]](
                of, options, who
            )
        except AccountsError as error:
            raise CommandError(str(error)) from None

    def _issue(self, email: str, options: dict[str, Any], who: Who) -> None:
        person = User.objects.filter(email=email.lower()).first()
        if person is None:
            raise CommandError(f"There is no person {email!r}.")
        wanted = issuing.Wanted(
            options["name"],
            scopes=options["scope"] or issuing.USUAL_SCOPES,
            servers=options["server"] or (),
            days=options["days"],
        )
        self.stdout.write(issuing.issue(person, wanted, who=who)[1])

    def _list(self, email: str, options: dict[str, Any], who: Who) -> None:
        keys = ApiKey.objects.select_related("user").order_by("user__email", "pk")
        for key in keys.filter(user__email=email.lower()) if email else keys:
            state = "revoked" if key.revoked_at else "usable" if key.usable() else "expired"
            servers = ",".join(key.servers) or "*"
            self.stdout.write(
                f"{key.prefix}  {key.user.email}  {state}  {','.join(key.scopes)}  {servers}"
                f"  {key.name}"
            )

    def _revoke(self, prefix: str, options: dict[str, Any], who: Who) -> None:
        key = ApiKey.objects.select_related("user").filter(prefix=prefix).first()
        if key is None:
            raise CommandError(f"There is no key with the prefix {prefix!r}.")
        said = "" if issuing.revoke(key, who=who) else " already"
        self.stdout.write(f"{key} of {key.user.email} is revoked{said}.")
