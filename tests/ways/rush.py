"""Many at once, in several processes: what `test_rush` starts.

`python -m tests.ways.rush COMMAND` with the house's environment. `prepare` makes the tables, the
people and Dev's limits; the others fork PROCESSES children that begin together, each with CLIENTS
threads, and print one line of JSON.

rate NAME   every client counts one against a limit of 10 an hour: how many were let through
ask COUNT   so many questions of Dev's at once: how many were accepted
answer      work on what was accepted, with the deployment's model, in all processes at once
die         claim a question as a worker does, and be killed before it has ended
sweep       what the schedule does every five seconds
report      what the questions became, and how Dev's budget stands
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omni2.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection, connections
from django.db.models.functions import Now

from accounts import limits, meters
from accounts.errors import LimitReached
from accounts.models import Hold, UsageLimit, User
from gateway import errors, work
from gateway.llm.choice import model_for_deployment
from gateway.models import Question
from tests.cast import Cast, assemble
from tests.ways.asking import Parked, put

PROCESSES, CLIENTS = 4, 16


def prepare(budget: str) -> None:
    call_command("migrate", verbosity=0)
    cast = assemble()
    UsageLimit.objects.create(user=cast.dev, **json.loads(budget))


def the_cast() -> Cast:
    people = {one.name.lower(): one for one in User.objects.select_related("role")}
    return Cast(**people)


def together(client: Callable[[], bool], times: int) -> int:
    """Have the client run so many times, all processes at once; how many said yes."""
    connections.close_all()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    begin = time.time() + 0.5
    results = [_forked(client, times // PROCESSES, begin) for _ in range(PROCESSES)]
    return sum(int(os.read(result, 16)) for result in results)


def _forked(client: Callable[[], bool], times: int, begin: float) -> int:
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return reading
    try:
        time.sleep(max(0.0, begin - time.time()))
        with ThreadPoolExecutor(CLIENTS) as pool:
            said = list(pool.map(lambda _: _closing(client), range(times)))
        os.write(writing, str(sum(said)).encode())
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(0)


def _closing(client: Callable[[], bool]) -> bool:
    try:
        return client()
    finally:
        connection.close()


def rate(name: str) -> int:
    allowed = limits.per_hour(name, 10, whose="x")

    def one() -> bool:
        try:
            limits.hit(allowed)
        except LimitReached:
            return False
        return True

    return together(one, 200)


def ask(count: str) -> int:
    cast = the_cast()

    def one() -> bool:
        try:
            put(cast, cast.dev, "How much?")
        except errors.LimitReached:
            return False
        return True

    return together(one, int(count))


def answer() -> int:
    model = model_for_deployment()

    def one() -> bool:
        question = Question.objects.claimable().order_by("?").first()
        return question is not None and work.run(question.pk, model=model) is not None

    return together(one, 64)


def die() -> None:
    """Hold, claim, and be killed: the lease is out at once, and the deadline has long passed."""
    question = Question.objects.claimable().first()
    assert question is not None and question.claim("dying")
    late = {"lease_until": Now(), "deadline_at": Now() - timedelta(hours=1)}
    Question.objects.filter(pk=question.pk).update(**late)
    os.kill(os.getpid(), signal.SIGKILL)


def report() -> dict[str, object]:
    rows = list(Question.objects.all())
    stands = meters.standing(User.objects.get(email="dev@example.com"))
    return {
        "states": sorted(row.state for row in rows),
        "spent": str(sum((row.cost or Decimal(0) for row in rows), Decimal(0))),
        "holds": Hold.objects.count(),
        "budget": {line.kind: [float(line.used), float(line.held)] for line in stands},
    }


def sweep() -> int:
    return work.sweep(Parked())


COMMANDS = {one.__name__: one for one in (prepare, rate, ask, answer, die, sweep, report)}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
