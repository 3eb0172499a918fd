"""How fast the record leaves by itself: to a SIEM over HTTP and over syslog, and into a folder.

    [DATABASE_URL=postgres://…] .venv/bin/python benchmarks/leaving.py [--entries 20000]

Without DATABASE_URL: SQLite in a temporary folder. The database has to be an empty one, which gets
made-up entries (`generate_audit`). The other side is a sink in a process of its own, which takes
all that comes. Prints entries a second by the clock and by this process's own CPU time, and how
fast the files in the folder are verified.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SERVE = """
import sys, time
sys.path.insert(0, sys.argv[2])
from tests.fakes import sink, syslog_server
with {"http": sink, "syslog+tcp": syslog_server}[sys.argv[1]].serve() as running:
    print(running.address, flush=True)
    sys.stdin.read()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "omni2.settings",
            "OMNI2_ENV_FILE": os.devnull,
            "OMNI2_DATA_DIR": folder,
            "REDIS_URL": "",
        }
        measure(options.entries, Path(folder))


def measure(entries: int, folder: Path) -> None:
    import django  # noqa: PLC0415  needs the environment

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from audit import archive, archived, following  # noqa: PLC0415
    from gateway.outlets import siem  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    call_command("generate_audit", str(entries), stdout=io.StringIO())
    print(f"{entries:,} entries on {connection.vendor}")
    for scheme in ("http", "syslog+tcp"):
        command = [sys.executable, "-c", SERVE, scheme, str(ROOT)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as sink:
            address = sink.stdout.readline().strip()
            settings.SIEM_URL, settings.INTERNAL_ADDRESSES = f"{scheme}://{address}", [address]
            following.start_again(siem.NAME)
            timed(scheme, entries, lambda: forward_all(siem))
            sink.stdin.close()
    timed("folder", entries, lambda: archive.write(folder, 1, following.last_block()))
    timed("verified", entries, lambda: archived.verify(folder))


def forward_all(siem) -> None:
    from audit import following  # noqa: PLC0415

    while following.behind(siem.NAME):
        assert siem.forward(), "nothing was taken"


def timed(name: str, entries: int, do: Callable[[], object]) -> None:
    started, worked = time.perf_counter(), time.process_time()
    do()
    seconds, own = time.perf_counter() - started, time.process_time() - worked
    print(f"{name:12}{entries / seconds:10,.0f} entries/s ({entries / own:,.0f} by CPU time)")


if __name__ == "__main__":
    main()
