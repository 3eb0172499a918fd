"""How fast the record is verified, by one process and by several.

    DATABASE_URL=postgres://… .venv/bin/python benchmarks/verifying.py [--entries 500000]

Makes a database of its own beside that of DATABASE_URL, fills it with `generate_audit`, verifies it
and drops it. What other work the machine does counts against the figures, so the CPU time of our
own processes is told as well. Exit 1 when the record is not found intact.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


@contextmanager
def database(url: str) -> Iterator[None]:
    """An empty database for the time of the benchmark."""
    name = f"omni2_benchmark_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
        try:
            os.environ["DATABASE_URL"] = urlsplit(url)._replace(path=f"/{name}").geturl()
            yield
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def setup() -> None:
    """Django on that database, migrated, and no connection open."""
    import django  # noqa: PLC0415  the settings read DATABASE_URL

    os.environ["DJANGO_SETTINGS_MODULE"] = "omni2.settings"
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  as above

    call_command("migrate", verbosity=0)
    _close()


def fill(entries: int) -> None:
    """So many entries, sealed, with the statistics that a database in use has."""
    from django.core.management import call_command  # noqa: PLC0415  after the settings
    from django.db import connection  # noqa: PLC0415  after the settings

    call_command("generate_audit", entries, stdout=StringIO())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    _close()


def _close() -> None:
    from django.db import connection  # noqa: PLC0415  after the settings

    connection.close()
    connection.close_pool()


def cpu() -> float:
    """Seconds of CPU of this process and of those it has begun and seen the end of."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))


def measure(processes: int) -> bool:
    """Verify once and say how fast; whether all was intact."""
    from audit.spread import Spread  # noqa: PLC0415  after the settings
    from audit.verify import verify  # noqa: PLC0415  after the settings

    began, used = time.monotonic(), cpu()
    report = verify(spread=Spread(processes))
    seconds, used = time.monotonic() - began, cpu() - used
    print(
        f"{processes} process{'es' if processes > 1 else ''}: {report.entries:,} entries"
        f" in {seconds:.1f} s, {report.entries / seconds:,.0f}/s;"
        f" {used / report.entries * 1e6:.1f} µs of our CPU each; {report.finding or 'intact'}"
    )
    return report.ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--entries", type=int, default=500_000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    arguments = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        parser.error("set DATABASE_URL to a PostgreSQL database whose user may create another one")
    with database(url):
        setup()
        fill(arguments.entries)
        found = [measure(processes) for processes in arguments.processes]
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
