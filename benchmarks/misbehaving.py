"""What one misbehaving server costs the others: their 95th percentile, and this process's memory.

    .venv/bin/python benchmarks/misbehaving.py [--calls 100] [--rounds 20] [--only WORDS]

A well server and servers with one fault each run as processes of their own. Calls to the well one
are timed by themselves, beside 16 threads that call the faulty one, and beside the same threads
calling another well one, by `registry.calling` as in production (places, breaker, deadlines). The
three take turns, so that all share the machine's noise, and the breaker is forgotten before each
turn, so that each begins with the worst. Printed are the 95th percentiles over all turns, and by
how much the memory was larger at its peak than before the fault. Exit 1 where that is 50 MB or
more, or where the neighbours fare more than 10 % worse than both alone and beside a second well
server: what that one costs is the control, as much load without any fault.
"""

import argparse
import asyncio
import gzip
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
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

CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
PIECE = 64 * 1024
CALLERS = 16
MOST_GROWTH_MB = 50.0
MOST_MORE = 1.10
TIMEOUT = 2.0


def answers() -> dict[str, Any]:
    """The faults, by what they are called: what each answers to a call."""
    from tests.fakes import faulty_upstream as fake  # noqa: PLC0415  only the servers need it

    result = '{"resultType": "complete", "content": [], "structuredContent": %s}'
    count = itertools.count()

    def now_and_then(fault: Any) -> Any:
        """Every third answer is well, so that the breaker never opens."""
        well = body('{"resultType": "complete", "content": []}')
        return lambda message: (fault if next(count) % 3 else well)(message)

    def late(message: Any) -> Any:
        async def write(writer: Any) -> None:
            await asyncio.sleep(1.5)
            writer.write(fake.answered(message, fake.text_result("at last")))

        return write

    def in_chunks(message: Any) -> Any:
        async def write(writer: Any) -> None:
            writer.write(CHUNKED)
            for _ in range(460):
                writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await writer.drain()

        return write

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
        "30 MB, now and then": now_and_then(body(result % ('"' + "x" * 30_000_000 + '"'))),
        "30 MB in chunks, now and then": now_and_then(in_chunks),
        **floods(),
        "answers after 1.5 s": late,
        "4 MB, well-formed": body(result % ('"' + "x" * 4_000_000 + '"')),
        "200,000 values, well-formed": body(result % ("[" + "1," * 200_000 + "1]")),
        "502 with a page": lambda message: fake.http(502, "<html>" + "x" * 100_000),
    }


def body(text: str) -> Any:
    """Made once: what the faulty server costs is not what its answer costs."""
    rest = text.encode() + b"}"

    def answer(message: Any) -> Any:
        start = b'{"jsonrpc": "2.0", "id": %b, "result": ' % json.dumps(message["id"]).encode()
        length = len(start) + len(rest)

        async def write(writer: Any) -> None:
            writer.write(WHOLE % length + start)
            for at in range(0, len(rest), PIECE):
                writer.write(rest[at : at + PIECE])
                await writer.drain()

        return write

    return answer


def floods() -> dict[str, Any]:
    """Servers that say something all the time, as fast as it is read, and never answer."""
    from tests.fakes import faulty_upstream as fake  # noqa: PLC0415  only the servers need it

    def endlessly(head: bytes, piece: bytes) -> Any:
        async def write(writer: Any) -> None:
            writer.write(head)
            while True:
                writer.write(piece)
                await writer.drain()

        return lambda message: write

    said = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "so"}}
    return {
        "a flood of notifications": endlessly(fake.SSE_HEAD, 500 * fake.event(said)),
        "a flood of keep-alives": endlessly(fake.SSE_HEAD, 5000 * b":\n\n"),
        "a body in single bytes": endlessly(CHUNKED, 5000 * b"1\r\nx\r\n"),
        "a flood of 1xx": endlessly(b"", 1000 * b"HTTP/1.1 103 Early\r\n\r\n"),
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


def timed(tool: Any, calls: int) -> list[float]:
    """How long each of these calls took, in milliseconds."""
    from registry import calling  # noqa: PLC0415  Django must be set up first

    taken = []
    for _ in range(calls):
        started = time.perf_counter()
        calling.call(tool.server, tool, {})
        taken.append((time.perf_counter() - started) * 1000)
    return taken


@contextmanager
def called_by_many(tool: Any) -> Iterator[None]:
    """Have the faulty server called all the time until the block ends."""
    from registry import breaker, calling  # noqa: PLC0415  Django must be set up first
    from registry.errors import RegistryError  # noqa: PLC0415
    from registry.mcp.errors import UpstreamError  # noqa: PLC0415
    from registry.models import Breaker  # noqa: PLC0415

    over = threading.Event()
    Breaker.objects.all().delete()
    breaker.forget()

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


def memory(of: str = "VmRSS") -> float:
    """Megabytes of this process now, or with VmHWM at the most since `forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(of))


def forget_peak() -> None:
    """Have the largest size counted anew from here on."""
    Path("/proc/self/clear_refs").write_text("5")


@dataclass
class Cost:
    """What a fault cost: 95th percentiles in milliseconds, and megabytes at the peak."""

    alone: float
    beside: float
    control: float
    grown: float

    @property
    def passes(self) -> bool:
        most = MOST_MORE * max(self.alone, self.control)
        return self.grown < MOST_GROWTH_MB and self.beside <= most

    def __str__(self) -> str:
        more, control = (100 * (one / self.alone - 1) for one in (self.beside, self.control))
        return (
            f"{self.alone:7.2f} ms {self.beside:5.2f} ms {more:+6.0f} % {control:+7.0f} %"
            f" {self.grown:+6.0f} MB{'' if self.passes else '  over the bar'}"
        )


def compare(well: Any, faulty: Any, twin: Any, *, calls: int, rounds: int) -> Cost:
    """The well server's calls: alone, beside the faulty one, beside a second well one, in turns."""
    alone: list[float] = []
    beside: list[float] = []
    control: list[float] = []
    grown = 0.0
    for _ in range(rounds):
        alone += timed(well, calls)
        before = memory()
        forget_peak()
        with called_by_many(faulty):
            beside += timed(well, calls)
        grown = max(grown, memory("VmHWM") - before)
        with called_by_many(twin):
            control += timed(well, calls)
    return Cost(*(statistics.quantiles(one, n=20)[-1] for one in (alone, beside, control)), grown)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="Only faults with these words in their name.")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.serve:
        serve(wanted.serve)
    with ExitStack() as stack:
        os.environ["OMNI2_DATA_DIR"] = stack.enter_context(tempfile.TemporaryDirectory())
        server = ("-m", "tests.fakes.mcp_server", "--port", "0")
        urls = {name: stack.enter_context(child(*server)) for name in ("well", "twin")}
        for name in answers():
            if wanted.only in name:
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
    twin = register("twin", urls.pop("twin"), "get_time", seconds=30)
    with called_by_many(twin):
        timed(well, calls)
    print(f"{'beside a server with':30} {'p95 alone':>10} beside   more   control  memory")
    costs = []
    for number, (name, url) in enumerate(urls.items()):
        faulty = register(f"faulty{number}", url, "t")
        costs.append(compare(well, faulty, twin, calls=calls, rounds=rounds))
        print(f"{name:30} {costs[-1]}", flush=True)
    return 0 if all(cost.passes for cost in costs) else 1


if __name__ == "__main__":
    raise SystemExit(main())
