"""Ask MCP servers whether they are there, and say which are not."""

from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from registry import health
from registry.models import HealthCheck
from registry.selection import servers_called


class Command(BaseCommand):
    """Check the named servers, or all enabled ones. Exit 1 when one does not answer."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("servers", nargs="*", metavar="SERVER", help="Default: all enabled.")

    def handle(self, *args: Any, **options: Any) -> None:
        checks = health.check_all(servers_called(options["servers"]))
        checks.sort(key=lambda check: check.server.name)
        width = None if self.stdout.isatty() else 160
        console = Console(file=cast(IO[str], self.stdout), width=width)
        console.print(_table(checks) if checks else "No enabled servers are registered.")
        silent = [check.server.name for check in checks if not check.ok]
        if silent:
            raise CommandError(f"no answer from: {', '.join(silent)}", returncode=1)


def _table(checks: list[HealthCheck]) -> Table:
    table = Table("server", "answers", "ms", "health", "error")
    for check in checks:
        table.add_row(
            Text(check.server.name),
            Text("yes", style="green") if check.ok else Text("no", style="red"),
            Text(str(check.milliseconds)),
            Text(check.server.health),
            Text(check.error),
        )
    return table
