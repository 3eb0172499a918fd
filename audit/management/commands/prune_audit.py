"""`prune_audit`: take entries away whose time is over."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from audit import pruning, retention
from audit.errors import RetentionError
from audit.record import Who


class Command(BaseCommand):
    help = (
        "Take away entries that are older than their kind is kept; verify_audit passes all the"
        " same. An entry record.pruned says what went."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "rules",
            nargs="*",
            metavar="KIND=DAYS",
            help="in place of OMNI2_RETENTION: registry.health=30 auth.*=365 *=1825",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how many")

    def handle(self, *args: object, **options: Any) -> None:
        kept = _kept(options["rules"])
        if options["dry_run"]:
            self._tell(pruning.expired(kept, timezone.now()), "would be taken away")
            return
        try:
            taken = pruning.prune(kept, who=Who(door="cli"))
        except DatabaseError as error:
            raise CommandError(f"Not pruned: {error}") from error
        self._tell(taken.kinds, "taken away")
        if taken.behind:
            self.stderr.write(f"others wait until they were read by {', '.join(taken.behind)}")

    def _tell(self, kinds: Counter[str], done: str) -> None:
        for kind, count in sorted(kinds.items()):
            self.stdout.write(f"{count:>9,} {kind}")
        self.stdout.write(f"{kinds.total():,} entries {done}")


def _kept(given: list[str]) -> Mapping[str, int]:
    try:
        kept = retention.days(dict(map(_rule, given)) or settings.RETENTION)
    except RetentionError as error:
        where = "" if given else "OMNI2_RETENTION: "
        raise CommandError(f"{where}{error}") from error
    if not kept:
        raise CommandError("OMNI2_RETENTION names nothing, so that everything is kept.")
    return kept


def _rule(given: str) -> tuple[str, object]:
    kind, _, count = given.partition("=")
    return kind, int(count) if count.isascii() and count.isdigit() and len(count) < 9 else count
