"""Workers made to be killed: `python -m tests.ways.worker URL COUNT` and then a word a line.

First everything is loaded and prepared once: tables, people, the upstream at URL, COUNT questions
in the queue. Then, for each line on standard input:

work     fork a worker that answers until nothing is unfinished; its process id is printed
report   print every question as a line of JSON, and an empty line
"""

import json
import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omni2.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection as database
from django.db import connections as databases

from gateway import work
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Question
from registry.mcp.client import connections
from tests.cast import assemble, register
from tests.ways.asking import Parked, put


def script(messages):
    """Write one note that is the question itself, take a moment, and answer."""
    time.sleep(0.02)
    if len(messages) == 1:
        return uses(("upstream__write_note", {"text": messages[0]["content"]}))
    return says("noted")


def prepare(url: str, count: int) -> None:
    call_command("migrate", verbosity=0)
    cast = assemble()
    register(url)
    for number in range(count):
        put(cast, cast.ada, f"note {number}")
    connections.close_all()
    print("prepared", flush=True)


def fork_worker() -> None:
    databases.close_all()
    if hasattr(database, "close_pool"):
        database.close_pool()
    child = os.fork()
    if child:
        print(child, flush=True)
        return
    try:
        answer_all()
    finally:
        os._exit(0)


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
    print(flush=True)


if __name__ == "__main__":
    prepare(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        {"work": fork_worker, "report": report}[line.strip()]()
