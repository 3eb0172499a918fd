"""How long it takes to read the tools of many servers, and whom a hanging one keeps waiting.

    .venv/bin/python benchmarks/syncing.py [--servers 24] [--tools 50] [--rounds 5] [--only sqlite]

A process of its own serves so many real MCP servers (the SDK's, streamable HTTP, a port each), and
one port that takes every connection and never answers. `registry.discovery.sync_all` reads them as
the schedule does: for the first time, again when nothing has changed, and once more with servers
that hang. Of the last it counts until the rows of all the others are settled. On SQLite, and on a
PostgreSQL started for it; exit 1 where a round takes 5 s or more.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MOST_SECONDS = 5.0
HANGING, HANGS_SECONDS = 12, 8.0
WORDS = "Reads what is known of one thing, by its number. " * 4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=24)
    parser.add_argument("--tools", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--on", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.servers, options.tools)
    if options.on:
        return measure(options.on.split(), options)
    names = [options.only] if options.only else ["sqlite", "postgresql"]
    return max(started(name, options) for name in names)


def started(database: str, options: argparse.Namespace) -> int:
    """Run the measuring on this database, in a process of its own; its exit code."""
    from tests import services  # noqa: PLC0415  the processes that serve need it not

    numbers = ["--servers", str(options.servers), "--tools", str(options.tools)]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        urls = stack.enter_context(servers(numbers))
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "omni2.settings",
            "OMNI2_ENV_FILE": os.devnull,
            "OMNI2_DATA_DIR": folder,
            "OMNI2_INTERNAL_ADDRESSES": ",".join(urlsplit(url).netloc for url in urls),
            "OMNI2_LOG_LEVEL": "CRITICAL",
            "OMNI2_MCP_CALL_TIMEOUT_SECONDS": str(HANGS_SECONDS),
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        if database == "postgresql":
            Path(folder).chmod(0o755)
            environment["DATABASE_URL"] = stack.enter_context(services.postgresql(Path(folder)))
        print(f"{database}: {options.servers} servers of {options.tools} tools", flush=True)
        command = [sys.executable, __file__, "--on", " ".join(urls), *numbers]
        command += ["--rounds", str(options.rounds)]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


@contextmanager
def servers(numbers: list[str]) -> Iterator[list[str]]:
    """The addresses of running servers, the one that hangs last."""
    command = [sys.executable, __file__, "--serve", *numbers]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()
        finally:
            process.kill()


def serve(count: int, tools: int) -> None:
    """Be all these servers, until this process is ended."""
    from tests.fakes import mcp_server  # noqa: PLC0415  only the servers need it

    reads = {"readOnlyHint": True}
    number = {"number": {"type": "integer", "description": "Which one."}}
    offered = [
        mcp_server.FakeTool(f"read_{each}", lambda a, h: "read", WORDS, number, reads)
        for each in range(tools)
    ]
    with ExitStack() as stack:
        running = [stack.enter_context(mcp_server.serve(offered)) for _ in range(count)]
        hanging = mcp_server.listen()
        address = f"http://127.0.0.1:{hanging.getsockname()[1]}/mcp"
        print(*(upstream.url for upstream in running), address, flush=True)
        threading.Event().wait()


def measure(urls: list[str], options: argparse.Namespace) -> int:
    """Register them, read them again and again, and print how long that took."""
    import django  # noqa: PLC0415  the environment must stand first

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from registry.discovery import sync_all  # noqa: PLC0415
    from registry.mcp.client import connections  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    *well, hanging = urls
    first, again = [], []
    for number in range(options.rounds + 1):
        found = register(well, f"round{number}")
        connections.close_all()
        first.append(timed(sync_all, found))
        again.append(timed(sync_all, found))
    # Whoever is first of all loads the SDK as well.
    print(f"  first of all: {first[0]:.2f} s")
    report("first", first[1:])
    report("again", again[1:])
    hang = register([hanging] * HANGING, "hangs")
    late = [delayed(hang, register(well, f"late{number}")) for number in range(options.rounds)]
    report(f"beside {HANGING} that hang", late)
    return 0 if max([*first, *again, *late]) < MOST_SECONDS else 1


def register(urls: list[str], name: str) -> list[Any]:
    """New rows of servers at these addresses; all of before are gone."""
    from registry.models import Server  # noqa: PLC0415  Django must be set up first

    Server.objects.exclude(name__startswith="hangs").delete()
    return [
        Server.objects.create(name=f"{name}-{number}", transport="http", url=url)
        for number, url in enumerate(urls)
    ]


def timed(sync_all: Any, found: list[Any]) -> float:
    """Seconds until all are read and settled."""
    started = time.monotonic()
    synced = sync_all(found)
    seconds = time.monotonic() - started
    assert all(one.report for one in synced), [one.error for one in synced]
    return seconds


def delayed(hanging: list[Any], well: list[Any]) -> float:
    """Seconds until the well ones are settled, when the hanging ones were asked before them."""
    from registry.discovery import sync_all  # noqa: PLC0415  Django must be set up first
    from registry.models import Server  # noqa: PLC0415

    before = Server.objects.filter(pk__in=[one.pk for one in well])
    started = time.time()
    sync_all([*hanging, *well])
    settled = before.order_by("-synced_at").values_list("synced_at", flat=True)
    assert None not in settled
    return float(settled[0].timestamp() - started)  # type: ignore[union-attr]


def report(name: str, seconds: list[float]) -> None:
    middle, most = statistics.median(seconds), max(seconds)
    print(f"  {name}: {middle:.2f} s, at most {most:.2f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
