"""`manage.py import_slack [FILE …]`: slack.yaml, threading.yaml. This version applies neither."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from omni2.configuration.command import ImportCommand, default_directory

SLACK, THREADING = "slack.yaml", "threading.yaml"


class Command(ImportCommand):
    help = "Check slack.yaml and threading.yaml, and say for each key what this version does."

    def add_files(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files",
            nargs="*",
            type=Path,
            help=f"default: config/{SLACK} and config/{THREADING}; told apart by their names",
        )

    def paths(self, options: Mapping[str, Any]) -> dict[str, Path]:
        files = options["files"] or [default_directory() / name for name in (SLACK, THREADING)]
        found = {THREADING if "threading" in path.stem else SLACK: path for path in files}
        if len(found) < len(files):
            raise CommandError(f"one {SLACK} and one {THREADING} at most")
        return found
