"""`manage.py evaluate FILE`: a set of questions as a regression suite."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.errors import AccountsError
from gateway.errors import GatewayError
from gateway.evaluation import cases, report, running, suggesting
from gateway.evaluation.cases import CasesWrong
from gateway.management.commands.ask import asker_named
from gateway.replay.running import RECORDED, Wish, require, version_named
from omni2.configuration.period import period

_OPTIONS: dict[str, dict[str, Any]] = {
    "--as": {
        "dest": "person",
        "metavar": "EMAIL",
        "help": "Who replays; models are charged to them.",
    },
    "--model": {"action": "append", "help": "A column for each; by default the recorded turns."},
    "--policy": {"type": int, "metavar": "VERSION", "help": "Decide each call by this version."},
    "--prompt": {"type": Path, "metavar": "FILE", "help": "The rules that the model is told."},
    "--live": {"action": "store_true", "help": "Ask anew, each case by its person."},
    "--junit": {"type": Path, "metavar": "FILE", "help": "Write JUnit XML, for a CI."},
    "--json": {"action": "store_true", "help": "Print everything as JSON."},
    "--record": {"action": "store_true", "help": "Make FILE from recorded questions instead."},
    "--since": {"type": period, "default": period("7d"), "metavar": "7d", "help": "Of --record."},
    "--of": {"default": "", "metavar": "EMAIL", "help": "Of --record: whose questions."},
    "--server": {"default": "", "help": "Of --record: with calls to this server."},
    "--limit": {"type": int, "default": 50, "help": "Of --record: at most so many."},
}


class Command(BaseCommand):
    help = (
        "Run the questions of a file against their recorded results (or, with --live, ask them"
        " anew) and say what does not hold. Exit 1 when anything does not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        for name, said in _OPTIONS.items():
            parser.add_argument(name, **said)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["record"]:
            self._record(options)
            return
        try:
            rows = _evaluate(options)
        except (CasesWrong, AccountsError, GatewayError) as error:
            raise CommandError(str(error)) from None
        if options["junit"]:
            _write(options["junit"], report.as_junit(rows), mode="w")
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(rows), indent=1))
        else:
            for line in report.lines(rows):
                self.stdout.write(line)
        if not all(one.passed for row in rows for one in row):
            raise CommandError("something does not hold", returncode=1)

    def _record(self, options: dict[str, Any]) -> None:
        questions = suggesting.recorded(
            timezone.now() - options["since"],
            person=options["of"].lower(),
            server=options["server"],
            most=options["limit"],
        )
        if not questions:
            raise CommandError("No question was answered in that time; see --since and --of.")
        _write(options["file"], suggesting.as_yaml(questions), mode="x")
        self.stdout.write(f"{len(questions)} cases in {options['file']}")


def _evaluate(options: dict[str, Any]) -> report.Rows:
    found = cases.read(options["file"])
    if options["live"]:
        if options["model"] or options["policy"] or options["prompt"]:
            raise CommandError("--live asks with the model, policy and prompt of this deployment.")
        return running.live(found)
    if not options["person"]:
        raise CommandError("--as: who replays? With --live each case is asked by its own person.")
    wish = _wish(options)
    require(wish.asker)
    return running.replayed(found, wish, options["model"] or [RECORDED])


def _wish(options: dict[str, Any]) -> Wish:
    number = options["policy"]
    try:
        rules = options["prompt"].read_text(encoding="utf-8") if options["prompt"] else ""
    except (OSError, UnicodeError) as error:
        raise CommandError(f"--prompt: {error}") from None
    return Wish(
        asker=asker_named(options["person"]),
        rules=rules,
        policy=None if number is None else version_named(number),
        policy_name=RECORDED if number is None else f"version {number}",
    )


def _write(path: Path, text: str, *, mode: str) -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
