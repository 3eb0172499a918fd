"""`roll_up`: the sums behind the dashboard, brought up to date or made anew."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from audit import rollup
from audit.errors import PrunedError


class Command(BaseCommand):
    help = "Add up what was recorded since the last time; it happens by itself every few seconds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rebuild", action="store_true", help="forget all sums and add up the whole record"
        )
        parser.add_argument(
            "--without-pruned",
            action="store_true",
            help="with --rebuild: also where that loses what pruned entries added",
        )

    def handle(self, *args: object, **options: bool) -> None:
        try:
            blocks = self._roll_up(**options)
        except PrunedError as error:
            raise CommandError(f"{error} Say --without-pruned to have it so.") from error
        self.stdout.write(f"{blocks} blocks added up")

    def _roll_up(self, *, rebuild: bool, without_pruned: bool, **_: object) -> int:
        if without_pruned and not rebuild:
            raise CommandError("--without-pruned goes with --rebuild.")
        return rollup.rebuild(without_pruned=without_pruned) if rebuild else rollup.roll_up()
