"""`verify_audit`: is the record what was written?"""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict

from django.core.management.base import BaseCommand

from audit import triggers
from audit.verify import Report, verify


class Command(BaseCommand):
    help = "Verify the record; exits 1 and names the first broken entry when it is not intact."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: object) -> None:
        report = verify()
        unguarded = triggers.missing()
        if options["json"]:
            self.stdout.write(
                json.dumps(asdict(report) | {"ok": report.ok, "unguarded": unguarded})
            )
        else:
            self._tell(report)
        if unguarded:
            self.stderr.write(
                f"no trigger keeps {', '.join(unguarded)} from being changed: run manage.py migrate"
            )
        if not report.ok:
            sys.exit(1)

    def _tell(self, report: Report) -> None:
        counts = (
            f"{report.entries} entries, {report.blocks} blocks, {report.unsealed} not yet sealed"
        )
        if report.finding:
            self.stdout.write(f"BROKEN {report.finding}")
            self.stdout.write(f"looked at {counts}")
        else:
            self.stdout.write(f"intact: {counts}")
            self.stdout.write(f"head {report.head or '(no block yet)'}")
