"""What one misbehaving server costs the others: their 95th percentile, and this process's memory.

    .venv/bin/python benchmarks/misbehaving.py [--calls 300] [--rounds 5]

A well server and servers with one fault each run as processes of their own. Calls to the well one
are timed by themselves and while 16 threads call the faulty one, by `registry.calling` as in
production (places, breaker, deadlines), in turns, so that both share the machine's noise. Printed
are the medians of the rounds; exit 1 when one fault has made the memory grow by 50 MB or more. On a
machine that is busy otherwise the percentiles say more of that than of the faults.
"""

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "omni2.settings",
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "OMNI2_LOG_LEVEL": "CRITICAL",
}

CALLERS = 16
MOST_GROWTH_MB = 50.0
TIMEOUT = 2.0


def answers() -> dict[str, Any]:
    """The faults, by what they are called: what each answers to a call."""
    from tests.fakes import faulty_upstream as fake  # noqa: PLC0415  only the servers need it

    def body(text: str) -> Any:
        return lambda message: fake.raw_json(message, text)

    result = '{"resultType": "complete", "content": [], "structuredContent": %s}'
    squeezed = gzip.compress(b"[" + b"1," * 50_000_000 + b"1]")
    return {
        "silence": lambda message: fake.slowly(b"", b"", 0.5),
        "keep-alives for ever": lambda message: fake.slowly(fake.SSE_HEAD, b": alive\n\n", 0.05),
        "slow headers": lambda message: fake.slowly(b"HTTP/1.1 200 OK\r\n", b"x-y: z\r\n", 0.05),
        "100,000 levels": body(result % ("[" * 100_000)),
        "a body of 30 MB": body(result % ('"' + "x" * 30_000_000 + '"')),
        "a bomb of gzip": lambda message: fake.http(
            200, squeezed, content_type="application/json", content_encoding="gzip"
        ),
        "502 with a page": lambda message: fake.http(502, "<html>" + "x" * 100_000),
    }


def serve(name: str) -> None:
    """Be one of the faulty servers, until this process is ended."""
    from tests.fakes.faulty_upstream import faulty  # noqa: PLC0415  only the servers need it

    with faulty(answers()[name]) as upstream:
        print(f"http://{upstream.address}/mcp", flush=True)
        threading.Event().wait()


@contextmanager
def child(*command: str) -> Iterator[str]:
    """Run a server and yield the address that it prints."""
    whole = [sys.executable, *command]
    with subprocess.Popen(whole, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.kill()


def register(name: str, url: str, tool: str, *, seconds: float = TIMEOUT) -> Any:
    """The row of one tool of a server there."""
    from registry.models import Server, Tool  # noqa: PLC0415  Django must be set up first

    server = Server.objects.create(
        name=name, transport="http", url=url, timeout_seconds=seconds, retry_attempts=1
    )
    return Tool.objects.create(server=server, name=tool, qualified_name=f"{name}__{tool}")


def timed(tool: Any, calls: int) -> float:
    """The 95th percentile of these calls, in milliseconds."""
    from registry import calling  # noqa: PLC0415  Django must be set up first

    taken = []
    for _ in range(calls):
        started = time.perf_counter()
        calling.call(tool.server, tool, {})
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.quantiles(taken, n=20)[-1]


@contextmanager
def called_by_many(tool: Any) -> Iterator[None]:
    """Have the faulty server called all the time until the block ends."""
    from registry import calling  # noqa: PLC0415  Django must be set up first
    from registry.errors import RegistryError  # noqa: PLC0415
    from registry.mcp.errors import UpstreamError  # noqa: PLC0415

    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            with suppress(RegistryError, UpstreamError):
                calling.call(tool.server, tool, {}, cancelled=over)
            # As people do, who do not ask again the moment they were told no.
            over.wait(0.2)

    threads = [threading.Thread(target=call, daemon=True) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=5)


def memory() -> float:
    """Megabytes of this process now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def compare(well: Any, faulty: Any, *, calls: int, rounds: int) -> tuple[float, float]:
    """The well server's 95th percentile, alone and beside the faulty one."""
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(timed(well, calls))
        with called_by_many(faulty):
            beside.append(timed(well, calls))
    return statistics.median(alone), statistics.median(beside)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.serve:
        serve(wanted.serve)
    with ExitStack() as stack:
        os.environ["OMNI2_DATA_DIR"] = stack.enter_context(tempfile.TemporaryDirectory())
        urls = {"well": stack.enter_context(child("-m", "tests.fakes.mcp_server", "--port", "0"))}
        for name in answers():
            urls[name] = stack.enter_context(child(__file__, "--serve", name))
        return run(urls, calls=wanted.calls, rounds=wanted.rounds)


def run(urls: dict[str, str], *, calls: int, rounds: int) -> int:
    """Measure beside each fault in turn, and print it."""
    os.environ["OMNI2_INTERNAL_ADDRESSES"] = ",".join(urlsplit(u).netloc for u in urls.values())
    import django  # noqa: PLC0415  the environment must stand first

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    well = register("well", urls.pop("well"), "get_time", seconds=30)
    with called_by_many(well):
        timed(well, calls)
    worst = 0.0
    print(f"{'beside a server with':24} {'p95 alone':>10} {'beside':>8} {'more':>7} {'memory':>8}")
    for number, (name, url) in enumerate(urls.items()):
        faulty = register(f"faulty{number}", url, "t")
        before = memory()
        alone, beside = compare(well, faulty, calls=calls, rounds=rounds)
        more = f"{100 * (beside / alone - 1):+.0f} %"
        worst = max(worst, memory() - before)
        grown = f"{memory() - before:+.0f} MB"
        print(f"{name:24} {alone:7.2f} ms {beside:5.2f} ms {more:>7} {grown:>8}", flush=True)
    return 0 if worst < MOST_GROWTH_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
