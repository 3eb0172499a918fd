"""What the import commands share: their options, and how a report is shown."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console

from audit.record import Who
from omni2.configuration.importing import import_files
from omni2.configuration.period import period
from omni2.configuration.problems import ConfigurationRefused, Report
from omni2.configuration.rehearsing import Rehearsing

DIRECTORY = "config"


class ImportCommand(BaseCommand):
    """Imports the files that `paths` names, and says everything there is to say about them."""

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_files(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="show everything, change nothing"
        )
        parser.add_argument(
            "--prune", action="store_true", help="disable people and servers that no file names"
        )
        parser.add_argument(
            "--against",
            type=period,
            metavar="30d",
            help="rehearse on the calls recorded in so many days (30d) or hours (12h)",
        )
        parser.add_argument(
            "--max-refused",
            type=int,
            metavar="N",
            help="change nothing when more of them than N would now be refused",
        )
        parser.add_argument(
            "--author", default="command line", help="who the record names as the author"
        )

    def add_files(self, parser: CommandParser) -> None:
        """Declare the argument that names the files."""
        raise NotImplementedError

    def paths(self, options: Mapping[str, Any]) -> dict[str, Path]:
        """The files, keyed by the name of their vocabulary."""
        raise NotImplementedError

    def handle(self, **options: Any) -> None:
        """Import; raises CommandError, with the database as it was, when a file is wrong."""
        try:
            report = import_files(
                self.paths(options),
                who=Who(person=options["author"], door="cli"),
                dry_run=options["dry_run"],
                prune=options["prune"],
                rehearsing=self.rehearsing(options),
            )
        except ConfigurationRefused as error:
            self._show_problems(error.report)
            raise CommandError(str(error)) from None
        self._show(report, dry_run=options["dry_run"])

    def rehearsing(self, options: Mapping[str, Any]) -> Rehearsing | None:
        """How to rehearse on recorded calls, if at all."""
        against, most = options["against"], options["max_refused"]
        if against is None:
            if most is not None:
                raise CommandError("--max-refused counts recorded calls: say --against as well")
            return None
        return Rehearsing(timezone.now() - against, most)

    def _show_problems(self, report: Report) -> None:
        self._print(self.stderr, report.rehearsal, style="yellow")
        self._print(self.stderr, (str(problem) for problem in report.problems), style="red")

    def _show(self, report: Report, *, dry_run: bool) -> None:
        self._print(self.stdout, map(str, report.notes), style="dim")
        self._print(self.stdout, (f"warning: {note}" for note in report.warnings), style="yellow")
        self._print(self.stdout, report.remarks, style="cyan")
        self._print(self.stdout, report.changes, style="green")
        for title, lines in (
            ("the policy says otherwise:", report.difference),
            ("who gains, who loses:", report.effect),
            ("on recorded calls:", report.rehearsal),
        ):
            if lines:
                self._print(self.stdout, [title], style="bold")
                self._print(self.stdout, (f"  {line}" for line in lines), style="yellow")
        count = len(report.changes)
        done = "would be made (dry run: nothing was written)" if dry_run else "made"
        last = f"{count} change{'s' if count != 1 else ''} {done}" if count else "nothing to change"
        self._print(self.stdout, [last], style="bold")

    def _print(self, stream: Any, lines: Iterable[str], *, style: str) -> None:
        """Write the lines as they are: no wrapping, and nothing in them is markup."""
        console = Console(
            file=stream,
            soft_wrap=True,
            markup=False,
            highlight=False,
            emoji=False,
            no_color=self._no_color or None,
            force_terminal=self._force_color or None,
            color_system="standard" if self._force_color else "auto",
        )
        for line in lines:
            console.print(line, style=style)

    def execute(self, *args: Any, **options: Any) -> str | None:
        self._no_color = bool(options.get("no_color"))
        self._force_color = bool(options.get("force_color"))
        return super().execute(*args, **options)


class OneFileCommand(ImportCommand):
    """Imports one file of one vocabulary."""

    vocabulary = ""

    def add_files(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help=f"default: config/{self.vocabulary}")

    def paths(self, options: Mapping[str, Any]) -> dict[str, Path]:
        return {self.vocabulary: options["file"] or default_directory() / self.vocabulary}


def default_directory() -> Path:
    """The folder of the examples, beside manage.py."""
    return Path(settings.BASE_DIR) / DIRECTORY
