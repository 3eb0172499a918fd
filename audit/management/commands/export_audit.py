"""`export_audit`: the record as CSV or JSON lines on standard output."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from audit import record
from audit.export import Filter, Format, lines
from audit.models import Entry


def moment(text: str) -> datetime:
    """A date or a time in ISO 8601; UTC where it names no zone."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no ISO 8601 date or time") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Print entries of the record, oldest first; the export itself is recorded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=[form.value for form in Format], default="jsonl")
        parser.add_argument("--since", type=moment, help="date or time, ISO 8601")
        parser.add_argument("--until", type=moment, help="date or time, not included")
        parser.add_argument("--person", default="", help="whose entries")
        parser.add_argument("--kind", choices=Entry.Kind.values, default="", help="which kind")

    def handle(self, *args: object, **options: Any) -> None:
        names = ("since", "until", "person", "kind")
        chosen = {name: options[name] for name in names if options[name]}
        record.write(
            Entry.Kind.RECORD_EXPORTED,
            Entry.Outcome.OK,
            who=record.Who(door="cli"),
            detail={"format": options["format"], **{n: str(v) for n, v in chosen.items()}},
        )
        for line in lines(Filter(**chosen), Format(options["format"])):
            self.stdout.write(line, ending="")
