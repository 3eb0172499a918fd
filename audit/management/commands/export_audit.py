"""`export_audit`: the record as CSV or JSON lines on standard output."""

from argparse import ArgumentParser
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.datastructures import MultiValueDict

from audit import record
from audit.errors import BadFilter
from audit.export import Format, begin
from audit.filters import FILTERS, Filters


class Command(BaseCommand):
    help = "Print entries of the record, oldest first; the export itself is recorded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=[form.value for form in Format], default="jsonl")
        parser.add_argument(
            "filters",
            nargs="*",
            metavar="NAME=VALUE",
            help="which entries, such as from=7d person=ada@example.com. "
            + " ".join(f"{name}: {one.words}" for name, one in FILTERS.items()),
        )

    def handle(self, *args: object, **options: Any) -> None:
        wanted = read_filters(options["filters"])
        form = Format(options["format"])
        with closing(begin(wanted, form, who=record.Who(door="cli"))) as parts:
            for text in parts:
                self.stdout.write(text, ending="")


def read_filters(pairs: Iterable[str]) -> Filters:
    """The filters given as NAME=VALUE; raises CommandError for what is none."""
    given: MultiValueDict[str, str] = MultiValueDict()
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f"{pair!r}: a filter is given as NAME=VALUE, such as from=7d.")
        given.appendlist(name, value)
    try:
        return Filters.parse(given)
    except BadFilter as error:
        raise CommandError(f"{error.field}: {error}") from error
