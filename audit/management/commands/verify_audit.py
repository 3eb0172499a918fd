"""`verify_audit`: is the record what was written?"""

import json
import os
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import triggers
from audit.filters import Unreadable, is_digits, moment
from audit.spread import Spread
from audit.verify import Report, block_at, verify

MOST_DIGITS = 18


class Command(BaseCommand):
    help = "Verify the record; exits 1 and names the first broken entry when it is not intact."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from",
            dest="start",
            metavar="N|DATE",
            help="trust what is before this block, or before the first block sealed since then:"
            " a number, ISO 8601 (UTC), or ago as 24h, 7d",
        )
        parser.add_argument(
            "--processes", type=int, default=os.cpu_count() or 1, help="how many work at once"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: Any) -> None:
        if options["processes"] < 1:
            raise CommandError("--processes is a whole number from 1 on.")
        report = verify(_start(options["start"]), spread=Spread(options["processes"]))
        unguarded = triggers.missing()
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report) | {"unguarded": unguarded}))
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
        if report.start > 1:
            counts += f", from block {report.start} on"
        if report.finding:
            self.stdout.write(f"BROKEN {report.finding}")
            self.stdout.write(f"looked at {counts}")
        else:
            self.stdout.write(f"intact: {counts}")
            self.stdout.write(f"head {report.head or '(no block yet)'}")


def _start(given: str | None) -> int:
    if not given:
        return 1
    if is_digits(given, MOST_DIGITS) and int(given) > 0:
        return int(given)
    try:
        return block_at(moment(given))
    except Unreadable as error:
        raise CommandError(
            f"--from is the number of a block from 1 on, or a time: {error}"
        ) from error


def _as_json(report: Report) -> dict[str, Any]:
    finding = report.finding
    said = asdict(report) | {"ok": report.ok}
    if finding:
        said["finding"] = asdict(finding) | {"problem": finding.problem}
    return said
