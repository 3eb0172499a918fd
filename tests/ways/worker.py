"""A worker in a process of its own, made to be killed: `python -m tests.ways.worker COMMAND`.

prepare URL COUNT   migrate, people, the upstream at URL, COUNT questions queued
work                claim and answer until nothing is unfinished
report              print the questions as JSON lines
"""

import json
import os
import sys
import time
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omni2.settings")

import django

django.setup()

from django.core.management import call_command

from gateway import work
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Question
from tests.cast import assemble, register
from tests.ways.asking import Parked, put


def script(messages):
    """Write one note that is the question itself, take a moment, and answer."""
    time.sleep(0.02)
    if len(messages) == 1:
        return uses(("upstream__write_note", {"text": messages[0]["content"]}))
    return says("noted")


def prepare(url: str, count: str) -> None:
    assert urlsplit(url).netloc in os.environ["OMNI2_INTERNAL_ADDRESSES"]
    call_command("migrate", verbosity=0)
    cast = assemble()
    register(url)
    for number in range(int(count)):
        put(cast, cast.ada, f"note {number}")


def answer_all() -> None:
    while Question.objects.unfinished().exists():
        for question in Question.objects.claimable().order_by("?")[:5]:
            work.run(question.pk, model=ScriptedModel(script))
        work.sweep(Parked())
        time.sleep(0.05)


def report() -> None:
    for question in Question.objects.order_by("created_at"):
        calls = [call.state for call in question.calls.all()]
        row = {"text": question.text, "state": question.state, "warning": question.warning}
        print(json.dumps(row | {"calls": calls, "attempt": question.attempt}))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"prepare": prepare, "work": answer_all, "report": report}[command](*arguments)
