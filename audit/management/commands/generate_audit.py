"""`generate_audit`: a large made-up record, to measure with."""

import os
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.generation import writing
from audit.models import Entry


class Command(BaseCommand):
    help = (
        "Write N made-up entries, sealed as real ones are, to measure with. For a database that"
        " holds nothing else: it refuses one with a record, and nobody may write meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("count", type=int, metavar="N")
        parser.add_argument("--days", type=int, default=90, help="of how many days until now")
        parser.add_argument("--seed", type=int, default=0, help="another one is another company")
        parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
        parser.add_argument(
            "--add", action="store_true", help="although there is a record, which then is mixed"
        )

    def handle(self, *args: object, **options: Any) -> None:
        count, days = options["count"], options["days"]
        if count < 1 or days < 1:
            raise CommandError("N and --days are whole numbers from 1 on.")
        if Entry.objects.exists() and not options["add"]:
            raise CommandError(
                "This database holds a record, and made-up entries could never be told from its"
                " own again. Use an empty database; or --add, for one that is thrown away."
            )
        began = time.monotonic()
        steps = writing.generate(
            count, days=days, seed=options["seed"], processes=options["processes"]
        )
        for done in steps:
            self._tell(done, began)

    def _tell(self, done: int, began: float) -> None:
        seconds = max(time.monotonic() - began, 0.001)
        self.stdout.write(f"{done:,} entries, {done / seconds:,.0f} a second")
