"""Read the tools of MCP servers anew and say what is offered, what changed and what waits."""

from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from registry import discovery
from registry.discovery import Synced
from registry.selection import servers_called

COLUMNS = ("server", "offered", "new", "changed", "gone", "set aside")


class Command(BaseCommand):
    """Sync the named servers, or all enabled ones. Exit 1 when one failed, after all the others."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("servers", nargs="*", metavar="SERVER", help="Default: all enabled.")

    def handle(self, *args: Any, **options: Any) -> None:
        synced = discovery.sync_all(servers_called(options["servers"]))
        width = None if self.stdout.isatty() else 160
        console = Console(file=cast(IO[str], self.stdout), width=width)
        console.print(_table(synced) if synced else "No enabled servers are registered.")
        failed = [each.server.name for each in synced if each.error]
        if failed:
            raise CommandError(f"not synced: {', '.join(failed)}", returncode=1)


def _table(synced: list[Synced]) -> Table:
    table = Table(*COLUMNS)
    for each in synced:
        table.add_row(*_row(each))
    return table


def _row(synced: Synced) -> list[Text]:
    name = Text(synced.server.name)
    if synced.report is None:
        return [name, *[Text("–")] * 4, Text(_message(synced), style="red")]
    report = synced.report
    counts = (report.offered, len(report.added), len(report.changed), len(report.gone))
    reasons = "\n".join(f"{tool}: {reason}" for tool, reason in report.set_aside)
    return [name, *(Text(str(count)) for count in counts), Text(reasons, style="yellow")]


def _message(synced: Synced) -> str:
    error = synced.error
    if error is None:
        return ""
    return f"{error.message}\n{error.hint}" if error.hint else error.message
