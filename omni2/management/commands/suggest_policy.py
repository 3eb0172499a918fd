"""`manage.py suggest_policy`: what the policy gives and nobody used, as a draft to rehearse."""

import json
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.table import Table
from rich.text import Text

from accounts.least_privilege import suggest
from accounts.suggestions import House, Suggestion, draft_of
from accounts.used import house_since
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
        house = house_since(timezone.now() - options["since"])
        found = suggest(house)
        if options["draft"] and found:
            _write(options["draft"], draft_of(found, house.snapshot))
        if options["json"]:
            self.stdout.write(json.dumps(as_json(house, found), indent=1))
        else:
            self.stdout.write(_text(house, found))


def as_json(house: House, found: list[Suggestion]) -> dict[str, Any]:
    """The suggestions with what they rest on."""
    return {
        "since": house.since.isoformat(),
        "whole": house.whole,
        "calls": sum(use.calls for use in house.uses),
        "remark": house.remark(),
        "suggestions": [one.as_json() for one in found],
        "draft": draft_of(found, house.snapshot),
    }


def _write(path: Path, draft: dict[str, Any]) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            yaml.safe_dump(draft, file, sort_keys=False, allow_unicode=True)
    except OSError as error:
        raise CommandError(f"--draft: {error.strerror}: {path}") from None


def _text(house: House, found: list[Suggestion]) -> str:
    console = Console(highlight=False)
    with console.capture() as captured:
        if house.remark():
            console.print(Text(house.remark(), style="yellow"), soft_wrap=True)
        if found:
            console.print(_table(found))
        elif house.uses:
            console.print("Nothing to suggest.")
    return captured.get()


def _table(found: list[Suggestion]) -> Table:
    table = Table("who", "server", "now", "evidence", "change")
    for one in found:
        cells = (one.who, one.server, ", ".join(one.patterns), one.evidence(), one.change)
        table.add_row(*map(Text, cells))
    return table
