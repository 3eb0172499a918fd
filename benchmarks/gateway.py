"""How fast tools are called and listed through `/mcp`, governed, against the direct call.

    .venv/bin/python benchmarks/gateway.py [--seconds 5] [--clients 8] [--only sqlite]

As processes of their own: a real MCP server with an instant tool, and OMNI2 as it is deployed, with
authentication, policy and the record before the effect. On SQLite it is one process; on PostgreSQL
there are Redis, a web process for each core (up to four), a Celery worker and its beat. The load
comes from threads of this process, and all share the machine. One client calls directly and through
OMNI2 in turn, then many at once, for some seconds each and five times in turn, of which the middle
counts; what is added is the difference of the medians. How many calls are governed for each hundred
that are made directly depends least on the machine. Before that OMNI2 is called for some seconds,
and PostgreSQL looks at its tables, as it does by itself in time. Lists are of 2,000 tools, all of
which the person may use.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.overhead import child, server, surroundings  # noqa: E402  the path comes first
from tests import services  # noqa: E402

MODERN = "2026-07-28"
TOOLS = 2000
ROUNDS = 300
# Processes that start load what they need; nobody is timed until then.
WARMING_SECONDS = 10
TURNS = 5
SETUP = """
import sys, django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.cast import assemble, register
from accounts import access
from accounts.models import Rule
from registry.models import Server, Tool
cast = assemble(); register(sys.argv[1])
Rule.objects.filter(kind=Rule.Kind.ROLE).delete()
Rule.objects.create(kind=Rule.Kind.ROLE, server="upstream", role="developer", patterns=["get_time"],
    mode="allow_only")
Rule.objects.create(kind=Rule.Kind.ROLE, server="many", role="developer", mode="allow_all")
access.publish("benchmark")
many = Server.objects.create(name="many", transport="http", url=sys.argv[1])
shape = {"type": "object", "properties": {"query": {"type": "string", "description": "What for."}}}
Tool.objects.bulk_create(Tool(
    server=many, name=f"tool_{n}", qualified_name=f"many__tool_{n}", description="Looks it up.",
    input_schema=shape, fingerprint=str(n), annotations={"readOnlyHint": True},
    definition={"name": f"tool_{n}", "description": "Looks it up.", "inputSchema": shape},
) for n in range(int(sys.argv[2])))
print(cast.key(cast.dev))
"""


@dataclass(frozen=True)
class Request:
    """One POST, ready to be sent again and again, and what its answer must hold."""

    url: str
    body: bytes
    headers: dict[str, str]
    holds: bytes

    @classmethod
    def of(cls, url: str, method: str, holds: bytes, *, name: str = "", key: str = "") -> "Request":
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {"_meta": meta, **({"name": name, "arguments": {}} if name else {})}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": method,
            **({"Mcp-Name": name} if name else {}),
            **({"Authorization": f"Bearer {key}"} if key else {}),
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return cls(url, json.dumps(message).encode(), headers, holds)

    def sender(self) -> Callable[[], None]:
        """Sends it over a connection of its own, and checks the answer."""
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.netloc, timeout=60)

        def send() -> None:
            connection.request("POST", address.path, self.body, self.headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200 and self.holds in content, (answer.status, content[:500])

        return send


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    for name in [options.only] if options.only else ["sqlite", "postgresql"]:
        with house(name) as (base, key, upstream):
            report(name, base, key, upstream, options=options)


@contextmanager
def house(database: str) -> Iterator[tuple[str, str, str]]:
    """OMNI2 on that database, a key of a person, and the upstream behind it."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        upstream = stack.enter_context(child("tests.fakes.mcp_server", "--port", "0"))
        model = stack.enter_context(child("tests.fakes.messages_api", "--port", "0"))
        environment = surroundings(folder, upstream, model)
        if database == "postgresql":
            Path(folder).chmod(0o755)
            environment |= {
                "DATABASE_URL": stack.enter_context(services.postgresql(Path(folder))),
                "REDIS_URL": stack.enter_context(services.redis(Path(folder))),
                "WEB_CONCURRENCY": str(min(4, os.cpu_count() or 1)),
            }
        made = subprocess.run(
            [sys.executable, "-c", SETUP, upstream, str(TOOLS)],
            env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        if environment["REDIS_URL"]:
            stack.enter_context(celery(environment, "worker", "--loglevel", "ERROR"))
            schedule = ("--loglevel", "ERROR", "--schedule", f"{folder}/beat")
            stack.enter_context(celery(environment, "beat", *schedule))
        base, key = stack.enter_context(server(environment)), made.stdout.split()[-1]
        at_once(governed_call(base, key), clients=8, seconds=WARMING_SECONDS)
        if environment["DATABASE_URL"]:
            look_at_tables(environment["DATABASE_URL"])
        yield base, key, upstream


@contextmanager
def celery(environment: dict[str, str], *arguments: str) -> Iterator[None]:
    """A process of Celery's, for as long as the block lasts."""
    program = str(Path(sys.executable).with_name("celery"))
    command = [program, "--quiet", "-A", "omni2", *arguments]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL) as one:
        try:
            yield
        finally:
            one.terminate()


def look_at_tables(database: str) -> None:
    """Have PostgreSQL look at what its tables hold now."""
    import psycopg  # noqa: PLC0415  not needed where it is SQLite

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ANALYZE")


def governed_call(base: str, key: str) -> Request:
    return Request.of(f"{base}/mcp", "tools/call", b'"20', name="upstream__get_time", key=key)


def report(name: str, base: str, key: str, upstream: str, *, options: argparse.Namespace) -> None:
    directly = Request.of(upstream, "tools/call", b'"20', name="get_time")
    through = governed_call(base, key)
    listing = Request.of(f"{base}/mcp", "tools/list", b"many__tool_1999", key=key)
    direct, governed = in_turn(directly.sender(), through.sender())
    print(f"{name}, {os.cpu_count()} cores")
    print(f"  one call: direct {direct:.2f} ms, governed {governed:.2f} ms p50")
    print(
        f"  added {governed - direct:.2f} ms p50, {(governed - direct) / direct:.1f} direct calls"
    )
    requests = {"direct": directly, "governed": through}
    loads: dict[str, list[tuple[float, float]]] = {word: [] for word in requests}
    for _ in range(TURNS):
        for word, request in requests.items():
            loads[word].append(at_once(request, clients=options.clients, seconds=options.seconds))
    for word, found in loads.items():
        rate, late = sorted(found)[TURNS // 2]
        print(f"  {options.clients} clients, {word}: {rate:.0f} calls/s, {late:.1f} ms p95")
    pairs = zip(*loads.values(), strict=True)
    share = statistics.median(through / alone for (alone, _), (through, _) in pairs)
    print(f"  {options.clients} clients, governed for 100 direct: {100 * share:.1f}")
    [listed] = in_turn(listing.sender(), rounds=ROUNDS // 3)
    print(f"  tools/list of {TOOLS:,} tools: {listed:.1f} ms p50", flush=True)


def in_turn(*ways: Callable[[], None], rounds: int = ROUNDS) -> list[float]:
    """Median milliseconds of each way, taking turns; the first tenth only warms up."""
    times: list[list[float]] = [[] for _ in ways]
    for number in range(rounds + rounds // 10):
        for way, taken in zip(ways, times, strict=True):
            started = time.perf_counter()
            way()
            if number >= rounds // 10:
                taken.append((time.perf_counter() - started) * 1000)
    return [statistics.median(taken) for taken in times]


def at_once(request: Request, *, clients: int, seconds: float) -> tuple[float, float]:
    """Calls per second of so many clients together, and the 95th percentile in milliseconds."""
    end = time.perf_counter() + seconds
    times: list[float] = []

    def work() -> None:
        send = request.sender()
        while (started := time.perf_counter()) < end:
            send()
            times.append((time.perf_counter() - started) * 1000)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(times) / seconds, statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
