"""`index_audit`: the words of the record, brought up to date or made anew."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from audit import search


class Command(BaseCommand):
    help = "Index what was sealed since the last time; it happens by itself every second."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--again", action="store_true", help="forget all words and index the whole record"
        )

    def handle(self, *args: object, **options: bool) -> None:
        if options["again"]:
            search.index_again()
        blocks = 0
        while done := search.index_new():
            blocks += done
        self.stdout.write(f"{blocks} blocks indexed")
