"""`sealing_key`: the keys that blocks are signed with."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from audit import record, signing
from audit.errors import SealingKeyError
from audit.models import Entry


class Command(BaseCommand):
    help = "List the keys that blocks are signed with, the one in use marked; or use a new one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rotate",
            action="store_true",
            help="sign with a new key from now on; blocks that were signed stay provable",
        )

    def handle(self, *args: object, **options: object) -> None:
        try:
            used = _rotated() if options["rotate"] else signing.signer()
            for key in signing.public_keys().values():
                since = f"since {key.since:%Y-%m-%d %H:%M} UTC" if key.since else "from the setting"
                mark = "  (in use)" if key.id == used.id else ""
                self.stdout.write(f"{key.id}  {key.hex}  {since}{mark}")
        except SealingKeyError as error:
            raise CommandError(str(error)) from error


def _rotated() -> signing.Signer:
    before, after = signing.signer(), signing.rotate()
    record.write(
        Entry.Kind.RECORD_KEY_CHANGED,
        Entry.Outcome.OK,
        who=record.Who(door="cli"),
        detail={"before": before.id, "after": after.id},
    )
    return after
