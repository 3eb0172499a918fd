"""What sealing costs those who write, and how it works off a backlog.

    DATABASE_URL=postgres://… .venv/bin/python benchmarks/sealing.py [--rounds 5] [--backlog 500000]

Eight processes write entries, one transaction each, as fast as they can; in turns with a process
that seals each second and without one, so that both share the machine's noise. Then a backlog is
put in the queue and sealed by one process, whose memory is watched. In a database of its own beside
that of DATABASE_URL. Exit 1 when writing with sealing is below 0.8 of writing without, or the
sealer grows by more than 100 MB.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.verifying import database, setup  # noqa: E402  the path must be set first

WRITERS = 8
SECONDS = 4.0
LEAST_RATIO = 0.8
MOST_GROWTH_MB = 100.0
FACTS: dict[str, Any] = {
    "question": "7b6b4c39-7a60-4a6c-9f0f-0d3f0d2f6a11",
    "call": "0f9d3f64-55a5-4f0e-8a1a-7f4f9f0d2c22",
    "server": "database_mcp",
    "tool": "get_top_queries",
    "fingerprint": "f" * 64,
    "arguments": {"database": "sales", "limit": 5},
    "result": {"content": [{"type": "text", "text": "3 rows " * 60}], "isError": False},
    "decision": {"effect": "allow", "layer": "role", "rule": "dba", "reason": "may"},
    "policy_version": "p" * 64,
    "inputs": {"subject": {"person": "ada@example.com"}, "at": "2026-05-01T12:00:00+00:00"},
    "milliseconds": 41,
}
FORK = multiprocessing.get_context("fork")


def write(ready: Any, written: Any) -> None:
    """Write one entry after the other, and count them."""
    from audit import record  # noqa: PLC0415  after the settings

    record.write("auth.login", "ok")
    ready.wait()
    until, count = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        record.write("call.called", "ok", **FACTS)
        count += 1
    with written.get_lock():
        written.value += count


def seal_each_second(ready: Any) -> None:
    """As the schedule does."""
    from audit import seal  # noqa: PLC0415  after the settings

    seal.seal_once()
    ready.wait()
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        due = time.monotonic() + 1
        seal.seal_once()
        time.sleep(max(0.0, due - time.monotonic()))


def rate(*, sealing: bool) -> float:
    """Entries written a second by all together."""
    written, ready = FORK.Value("l", 0), FORK.Barrier(WRITERS + sealing)
    jobs = [FORK.Process(target=write, args=(ready, written)) for _ in range(WRITERS)]
    if sealing:
        jobs.append(FORK.Process(target=seal_each_second, args=(ready,)))
    _together(jobs)
    return float(written.value) / SECONDS


def _together(jobs: list[Any]) -> None:
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
        if job.exitcode:
            raise SystemExit("a process of the benchmark has failed")


def compare(rounds: int) -> float:
    """The median of the rounds' ratios, told with each round's rates."""
    ratios = []
    for number in range(rounds):
        order = (False, True) if number % 2 else (True, False)
        found = {sealing: rate(sealing=sealing) for sealing in order}
        ratios.append(found[True] / found[False])
        print(
            f"without sealing {found[False]:,.0f}/s, with {found[True]:,.0f}/s: {ratios[-1]:.2f}",
            flush=True,
        )
    return statistics.median(ratios)


def work_off(backlog: int, growth: Any) -> None:
    """Seal all that waits; the megabytes by which this process has grown."""
    from audit import seal  # noqa: PLC0415  after the settings

    seal.seal_block()
    before, began = _peak_mb(), time.monotonic()
    sealed = seal.seal_once()
    seconds = time.monotonic() - began
    growth.value = _peak_mb() - before
    print(
        f"backlog of {backlog:,}: {sealed / seconds:,.0f}/s sealed, {growth.value:.0f} MB more"
        " memory at most"
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def put_in_queue(backlog: int) -> None:
    """A backlog as after a long time without a sealer."""
    from django.db import connection  # noqa: PLC0415  after the settings

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_unsealed (entry, digest) SELECT 1000000000 + n,"
            " encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, %s) AS n",
            [backlog],
        )
    connection.close()
    connection.close_pool()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--backlog", type=int, default=500_000)
    arguments = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        parser.error("set DATABASE_URL to a PostgreSQL database whose user may create another one")
    with database(url):
        setup()
        ratio = compare(arguments.rounds)
        put_in_queue(arguments.backlog)
        growth = FORK.Value("d", 0.0)
        _together([FORK.Process(target=work_off, args=(arguments.backlog, growth))])
    print(f"writing with sealing is {ratio:.2f} of writing without (median)")
    return 0 if ratio >= LEAST_RATIO and growth.value <= MOST_GROWTH_MB else 1


if __name__ == "__main__":
    sys.exit(main())
