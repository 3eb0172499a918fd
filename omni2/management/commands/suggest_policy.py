"""`manage.py suggest_policy`: what the policy gives and nobody used, as a draft to rehearse."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.table import Table
from rich.text import Text

from accounts.least_privilege.model import Suggestion
from accounts.least_privilege.proof import Found
from accounts.least_privilege.used import suggestions_since
from omni2.configuration.period import period


class Command(BaseCommand):
    help = (
        "Suggest what the policy could stop giving, from the calls on record. Nothing is changed:"
        " --draft writes a policy.yaml for `import_policy FILE --dry-run --against 90d`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=period, default=period("90d"), metavar="90d")
        parser.add_argument("--draft", type=Path, metavar="FILE", help="a new file")
        parser.add_argument("--json", action="store_true", help="Print everything as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = suggestions_since(timezone.now() - options["since"])
        if options["draft"] and found.suggestions:
            _write(options["draft"], found.draft_of(()))
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=1))
        else:
            self.stdout.write(_text(found))


def _write(path: Path, draft: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(draft)
    except OSError as error:
        raise CommandError(f"--draft: {error.strerror}: {path}") from None


def _text(found: Found) -> str:
    console = Console(highlight=False)
    with console.capture() as captured:
        if found.remark():
            console.print(Text(found.remark(), style="yellow"), soft_wrap=True)
        if found.suggestions:
            console.print(_table(found.suggestions))
        elif found.house.uses:
            console.print("Nothing to suggest.")
    return captured.get()


def _table(suggestions: Iterable[Suggestion]) -> Table:
    table = Table("who", "server", "now", "evidence", "change")
    for one in suggestions:
        server = one.server or "all"
        cells = (one.who, server, ", ".join(one.patterns), one.evidence(), one.change)
        table.add_row(*map(Text, cells))
    return table
