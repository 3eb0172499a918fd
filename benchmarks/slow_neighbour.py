"""What 50 people who wait for one slow server cost those who call another, through `/mcp`.

    .venv/bin/python benchmarks/slow_neighbour.py [--rounds 4] [--callers 50] [--only sqlite]

OMNI2 as it is deployed (gunicorn, one worker) with a real MCP server that is registered twice: as
one that answers at once, and as one whose tool takes 9 s. One client calls the quick one, by itself
and while 50 others call the slow one again and again, in turns. Printed are the 95th percentiles
over all turns and how the calls to the slow one ended; exit 1 where the quick one's is more than
10 % higher.
"""

import argparse
import http.client
import json
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import gateway  # noqa: E402  the path comes first
from benchmarks.gateway import Request  # noqa: E402

MOST_MORE = 1.10
SECONDS, PATIENCE = 9, 0.5
CALLS = 150
SETUP = """
import sys, django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.cast import assemble, register
from accounts import access
from accounts.models import Rule
cast = assemble(); register(sys.argv[1]); register(sys.argv[1], name="slow")
Rule.objects.filter(kind=Rule.Kind.ROLE).delete()
for server in ("upstream", "slow"):
    Rule.objects.create(kind=Rule.Kind.ROLE, server=server, role="developer", mode="allow_all")
access.publish("benchmark")
print(cast.key(cast.dev))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--callers", type=int, default=50)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    gateway.SETUP = SETUP
    passed = True
    for database in [options.only] if options.only else ["sqlite", "postgresql"]:
        with gateway.house(database) as (base, key, _upstream):
            passed &= measured(database, base, key, options=options)
    return 0 if passed else 1


def measured(database: str, base: str, key: str, *, options: argparse.Namespace) -> bool:
    """Measure on this database, print it, and say whether it is within the bar."""
    quick = Request.of(f"{base}/mcp", "tools/call", b'"20', name="upstream__get_time", key=key)
    timed(quick)
    alone: list[float] = []
    beside: list[float] = []
    ends: Counter[str] = Counter()
    for _ in range(options.rounds):
        alone += timed(quick)
        with waiting(base, key, callers=options.callers, ends=ends):
            beside += timed(quick)
    first, second = (statistics.quantiles(one, n=20)[-1] for one in (alone, beside))
    print(f"{database}: p95 {first:.2f} ms alone, {second:.2f} ms beside {options.callers} callers")
    print(f"  {100 * (second / first - 1):+.0f} %; the slow one's calls: {dict(ends)}", flush=True)
    return second <= first * MOST_MORE


def timed(request: Request) -> list[float]:
    """Milliseconds of each of some calls, over a connection that is open already."""
    send, taken = request.sender(), []
    send()
    for _ in range(CALLS):
        started = time.perf_counter()
        send()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


@contextmanager
def waiting(base: str, key: str, *, callers: int, ends: Counter[str]) -> Iterator[None]:
    """Have so many people call the slow server until the block ends."""
    over = threading.Event()
    threads = [
        threading.Thread(target=call_slow, args=(base, key, over, ends)) for _ in range(callers)
    ]
    for thread in threads:
        thread.start()
    time.sleep(1)
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def call_slow(base: str, key: str, over: threading.Event, ends: Counter[str]) -> None:
    """Call it again and again, as somebody does who is told to try again in a moment."""
    request = Request.of(f"{base}/mcp", "tools/call", b"", name="slow__slow", key=key)
    message = json.loads(request.body)
    message["params"]["arguments"] = {"seconds": SECONDS}
    body, address = json.dumps(message).encode(), urlsplit(base)
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    while not over.is_set():
        connection.request("POST", "/mcp", body, request.headers)
        result = json.loads(connection.getresponse().read()).get("result", {})
        text = (result.get("content") or [{}])[0].get("text", "?")
        ends["busy" if "places taken" in text else text[:40]] += 1
        over.wait(PATIENCE)


if __name__ == "__main__":
    raise SystemExit(main())
