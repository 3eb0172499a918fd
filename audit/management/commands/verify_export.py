"""`verify_export`: are the files of a scheduled export the record as it was?"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.archived import Broken, verify


class Command(BaseCommand):
    help = (
        "Verify the files of a scheduled export; exits 1 and names the first thing that is broken."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.")
        try:
            seen = verify(folder)
        except (Broken, OSError, EOFError, ValueError) as error:
            raise CommandError(f"NOT INTACT: {error}", returncode=1) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(seen)))
            return
        self.stdout.write(
            f"{seen.entries} entries in {seen.blocks} blocks, {seen.files} files: intact, up to "
            f"block {seen.last}"
        )
        if seen.pruned:
            self.stdout.write(f"{seen.pruned} entries had been pruned before they were written")
        if seen.unsigned:
            self.stdout.write(f"{seen.unsigned} blocks have no signature of a key known here")
