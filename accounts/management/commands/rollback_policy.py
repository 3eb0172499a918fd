"""`manage.py rollback_policy [VERSION]`: list the policy's versions, or go back to one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import versions
from accounts.errors import AccountsError
from accounts.models import PolicyVersion
from audit.record import Who

LISTED = 20


class Command(BaseCommand):
    help = "Make the policy say again what an earlier version says; without one, list them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", nargs="?", type=int, metavar="VERSION")
        parser.add_argument("--dry-run", action="store_true", help="show it, change nothing")
        parser.add_argument(
            "--author", default="command line", help="who the record names as the author"
        )

    def handle(self, **options: Any) -> None:
        if options["version"] is None:
            self._list()
            return
        version = PolicyVersion.objects.filter(pk=options["version"]).first()
        newest = versions.newest()
        if version is None or newest is None:
            raise CommandError(f"There is no version {options['version']}.")
        try:
            self._roll_back(version, newest, options)
        except AccountsError as error:
            raise CommandError(str(error)) from None

    def _list(self) -> None:
        for version in PolicyVersion.objects.order_by("-id")[:LISTED]:
            said = version.note or version.difference.partition("\n")[0]
            when = f"{version.created_at:%Y-%m-%d %H:%M}"
            self.stdout.write(f"{version.pk:>5}  {when}  {version.author}  {said}")

    def _roll_back(
        self, version: PolicyVersion, newest: PolicyVersion, options: dict[str, Any]
    ) -> None:
        differs = versions.compare(newest, version)
        for line in (*differs.rules, *versions.lines(differs.effect)):
            self.stdout.write(line)
        if options["dry_run"]:
            self.stdout.write("dry run: nothing was changed")
            return
        made = versions.roll_back(version, who=Who(person=options["author"], door="cli"))
        self.stdout.write(f"version {made.pk} is in force; it says what version {version.pk} says")
