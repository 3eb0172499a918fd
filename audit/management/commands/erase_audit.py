"""`erase_audit`: take contents or persons out of entries, and leave the proof whole."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.db.models import QuerySet

from audit import chain, erasing
from audit.errors import OldFormError
from audit.filters import is_digits
from audit.management.commands.export_audit import read_filters
from audit.models import Entry
from audit.record import Who

WHAT = {**{group: [group] for group in chain.GROUPS}, "all": [*chain.GROUPS]}
MOST_DIGITS = 18


class Command(BaseCommand):
    help = (
        "Erase the contents of entries, or whom they are about; verify_audit passes all the same."
        " An entry record.erased says what was erased, and the reason."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "entries",
            nargs="+",
            metavar="ENTRY|NAME=VALUE",
            help="entries by number; or filters as of export_audit: person=ada@example.com",
        )
        parser.add_argument("--what", choices=WHAT, default="content")
        parser.add_argument("--reason", required=True, help="it stands on the record")
        parser.add_argument("--dry-run", action="store_true", help="only say how many")

    def handle(self, *args: object, **options: Any) -> None:
        reason = options["reason"].strip()
        if not reason:
            raise CommandError("--reason: say why, in words that may be read.")
        wanted = erasing.erasable(_entries(options["entries"]))
        if options["dry_run"]:
            self.stdout.write(f"{wanted.count()} entries would be erased")
            return
        try:
            count = erasing.erase(wanted, WHAT[options["what"]], reason=reason, who=Who(door="cli"))
        except (OldFormError, DatabaseError) as error:
            raise CommandError(f"Not erased: {error}") from error
        self.stdout.write(f"{count} entries erased")


def _entries(given: list[str]) -> "QuerySet[Entry]":
    numbers = [word for word in given if is_digits(word, MOST_DIGITS)]
    if len(numbers) == len(given):
        return _numbered([int(word) for word in numbers])
    if numbers:
        raise CommandError("Give numbers of entries or filters, not both.")
    entries: QuerySet[Entry] = Entry.objects.all()
    return read_filters(given).apply(entries)


def _numbered(numbers: list[int]) -> "QuerySet[Entry]":
    entries: QuerySet[Entry] = Entry.objects.filter(pk__in=numbers)
    known = {*erasing.erasable(entries).values_list("pk", flat=True)}
    absent = [str(number) for number in numbers if number not in known]
    if absent:
        raise CommandError(f"No entries that could be erased: {', '.join(absent)}")
    return entries
