"""`verify_audit`: is the record what was written?"""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit import triggers
from audit.anchoring import Anchor, anchors
from audit.errors import AnchorError, SealingKeyError
from audit.filters import Unreadable, is_digits, moment
from audit.spread import Spread
from audit.verify import Report, block_at, verify

MOST_DIGITS = 18
NO_ANCHORS = "no anchor to compare with: that nothing was cut off the end is not proven"


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
        parser.add_argument(
            "--anchor",
            metavar="FILE",
            help="heads that were kept elsewhere; without it those of OMNI2_ANCHOR_FILE if it is"
            " there, and with 'none' none",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: Any) -> None:
        if options["processes"] < 1:
            raise CommandError("--processes is a whole number from 1 on.")
        report = _verified(options)
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
            self.stdout.write(_signed(report))
            self.stdout.write(f"{report.anchors} anchors fit" if report.anchors else NO_ANCHORS)


def _verified(options: dict[str, Any]) -> Report:
    start, spread = _start(options["start"]), Spread(options["processes"])
    try:
        return verify(start, anchors=_anchors(options["anchor"]), spread=spread)
    except (AnchorError, SealingKeyError) as error:
        raise CommandError(str(error)) from error


def _anchors(given: str | None) -> Iterable[Anchor]:
    if given == "none" or (given is None and not Path(settings.ANCHOR_FILE).exists()):
        return ()
    return anchors(Path(given or settings.ANCHOR_FILE))


def _signed(report: Report) -> str:
    by = [
        f"{count} by key {key}" if key else f"{count} by none" for key, count in report.keys.items()
    ]
    return f"blocks signed: {', '.join(by) or 'none'}"


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
