"""Sealers and writers made to be killed: `python -m tests.ways.sealer` and then a word a line.

seal     fork a process that seals without a pause; its process id is printed
write    fork a process that writes entries without a pause; its process id is printed
blocks   print how many blocks there are
report   finish the sealing, verify, and print what was found as a line of JSON
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omni2.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Sum

from audit import record, seal
from audit.models import Block, Entry, Unsealed
from audit.verify import verify

RECOVERY_SECONDS = 10


def fork(job: Callable[[], None]) -> None:
    connections.close_all()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    child = os.fork()
    if child:
        print(child, flush=True)
        return
    try:
        while True:
            # Another one has the database, where there is but one lock.
            with suppress(OperationalError):
                job()
    finally:
        os._exit(1)


def write() -> None:
    """Entries that are committed later than some that were begun after them."""
    with transaction.atomic():
        record.write_many([record.prepare("auth.login", "ok") for _ in range(20)])
        time.sleep(0.002)


def report() -> None:
    began = time.monotonic()
    while Unsealed.objects.exists() and time.monotonic() - began < RECOVERY_SECONDS:
        seal.seal_once()
    found = verify()
    said = {
        "finding": str(found.finding or ""),
        "entries": Entry.objects.count(),
        "blocks": Block.objects.count(),
        "waiting": Unsealed.objects.count(),
        "sealed": Block.objects.aggregate(all=Sum("count"))["all"],
    }
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    print("prepared", flush=True)
    for line in sys.stdin:
        word = line.strip()
        {
            "seal": lambda: fork(seal.seal_once),
            "write": lambda: fork(write),
            "blocks": lambda: print(Block.objects.count(), flush=True),
            "report": report,
        }[word]()
