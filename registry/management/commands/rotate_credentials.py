"""Encrypt all stored credentials anew with the first key of OMNI2_ENCRYPTION_KEYS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.record import Who
from registry import rotation


class Command(BaseCommand):
    """Says how many were, and names what no current key can read. Exit 1 when there is any."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--author", default="command line", help="who the record names")

    def handle(self, *args: Any, **options: Any) -> None:
        rotated = rotation.rotate(who=Who(person=options["author"], door="cli"))
        self.stdout.write(
            f"{rotated.rewritten} stored credentials are encrypted with the newest key"
        )
        for name in rotated.unreadable:
            self.stdout.write(f"cannot be read: {name}")
        if rotated.unreadable:
            raise CommandError(
                "put the keys they were written with behind the newest in OMNI2_ENCRYPTION_KEYS, "
                "or enter them anew",
                returncode=1,
            )
