"""`manage.py newcomers approve someone@example.com`: those who wait to be let in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import provisioning
from accounts.errors import AccountsError
from accounts.models import Role, User
from audit.record import Who
from gateway.models import Door


class Command(BaseCommand):
    help = "List the people who wait for approval, let one in, or keep one out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["list", "approve", "reject"])
        parser.add_argument("person", nargs="?", default="", help="The e-mail address.")
        parser.add_argument("--role", default="", help="Approve with this role instead.")
        parser.add_argument("--reason", default="", help="Why they are kept out.")
        parser.add_argument(
            "--author", default="command line", help="Who the record names as the author."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = User.objects.filter(status=User.Status.PENDING).select_related("role")
        if options["what"] == "list":
            for person in waiting:
                role = person.role.name if person.role else "no role"
                self.stdout.write(f"{person.email}  {person.name}  {role}")
            return
        found = waiting.filter(email=options["person"].replace("\x00", "").lower()).first()
        if found is None:
            raise CommandError(f"Nobody called {options['person']!r} waits for approval.")
        try:
            self._decide(found, options)
        except AccountsError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{found.email} is {found.get_status_display()}.")

    def _decide(self, person: User, options: dict[str, Any]) -> None:
        who = Who(person=options["author"], door=Door.CLI)
        if options["what"] == "reject":
            provisioning.reject(person, by=None, who=who, reason=options["reason"])
            return
        role = Role.objects.filter(name=options["role"]).first()
        if options["role"] and role is None:
            raise CommandError(f"There is no role called {options['role']!r}.")
        provisioning.approve(person, by=None, who=who, role=role)
