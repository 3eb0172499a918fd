"""`manage.py replay QUESTION`: a recorded question once more, against the results it got then."""

import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import AccountsError
from gateway.errors import GatewayError
from gateway.management.commands.ask import asker_named
from gateway.models import Question
from gateway.replay import comparing, running
from gateway.replay.running import RECORDED, Wish
from omni2.configuration.importing import rehearsed
from omni2.configuration.problems import ConfigurationRefused
from omni2.configuration.vocabulary import DRAFT

_OPTIONS: dict[str, dict[str, Any]] = {
    "--as": {
        "dest": "person",
        "required": True,
        "metavar": "EMAIL",
        "help": "Who replays: may view the record; a model that costs is charged to them.",
    },
    "--model": {
        "default": RECORDED,
        "help": "A model's name, or offline; by default the recorded turns are repeated.",
    },
    "--prompt": {
        "type": Path,
        "metavar": "FILE",
        "help": "The rules that the model is told, in place of ours.",
    },
    "--policy": {
        "default": RECORDED,
        "metavar": "FILE|VERSION",
        "help": "Decide each call again, by a policy.yaml or by a version of the policy.",
    },
    "--tools": {
        "choices": [RECORDED, "now"],
        "default": RECORDED,
        "help": "now: a tool that is gone by now, or takes other arguments, says so.",
    },
}


class Command(BaseCommand):
    help = (
        "Run a recorded question again against its recorded results, with another model, prompt,"
        " policy or tools, and say what differs. Nothing is called. Exit 1 when anything differs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question", type=UUID)
        for name, said in _OPTIONS.items():
            parser.add_argument(name, **said)
        parser.add_argument("--json", action="store_true", help="Print everything as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            question = running.find(options["question"])
            found = running.replay(question, wish_of(question, options))
        except (AccountsError, GatewayError) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=1))
        else:
            for line in comparing.lines(found):
                self.stdout.write(line)
        if not found.same:
            raise CommandError("the replay differs from the recording", returncode=1)


def wish_of(question: Question, options: dict[str, Any]) -> Wish:
    """What the options ask for. Raises CommandError for what cannot be read."""
    wish = Wish(
        asker=asker_named(options["person"]),
        model=options["model"],
        rules=_text_of(options["prompt"]) if options["prompt"] else "",
        tools_now=options["tools"] == "now",
    )
    return _under(wish, options["policy"], question)


def _under(wish: Wish, policy: str, question: Question) -> Wish:
    """The wish under a policy: a version by its number, or a file that is tried and not applied."""
    if policy == RECORDED:
        return wish
    if policy.isdecimal():
        made = running.version_named(int(policy))
        return replace(wish, policy=made, policy_name=f"version {policy}")
    try:
        after = rehearsed({DRAFT: Path(policy)})
    except ConfigurationRefused as error:
        problems = "\n".join(map(str, error.report.problems))
        raise CommandError(f"--policy: {error}\n{problems}") from None
    subject = after.people.get(question.person.email)
    return replace(wish, policy=after.policy, policy_name=Path(policy).name, subject=subject)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise CommandError(f"--prompt: {path}: {error}") from None
