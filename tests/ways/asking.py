"""A whole question in one line, for the tests of the ways."""

from typing import Any

from accounts.models import User
from audit.models import Entry
from gateway import ask, work
from gateway.llm.base import Model
from gateway.models import Door, Question
from tests.cast import Cast


class Parked:
    """A task that never runs: the question stays queued."""

    name = "tests.parked"

    def run(self, name: str) -> None:
        return

    def apply_async(self, **options: object) -> None:
        return


def put(cast: Cast, user: User, text: str, **options: Any) -> Question:
    """Ask and leave it queued."""
    return ask.ask(text, asker=cast.asker(user), door=Door.CLI, task=Parked(), **options)


def asked(cast: Cast, user: User, text: str, model: Model, **options: Any) -> Question:
    """Ask, have it answered by `model`, and return the question as it ended."""
    question = put(cast, user, text, **options)
    work.run(question.pk, model=model)
    question.refresh_from_db()
    return question


def kinds(question: Question) -> list[tuple[str, str]]:
    """What the record says of a question: (kind, outcome) in order."""
    entries = Entry.objects.filter(question=str(question.pk)).order_by("pk")
    return [(entry.kind, entry.outcome) for entry in entries]


def results_read(model: Any) -> list[tuple[str, bool]]:
    """The tool results that the model got to read in its last turn: (text, is_error)."""
    content = model.heard[-1].messages[-1]["content"]
    return [(block["content"], block["is_error"]) for block in content]
