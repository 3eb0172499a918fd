"""How fast the record is exported, and whether memory stays flat while it is.

    DATABASE_URL=postgres://… .venv/bin/python benchmarks/exporting.py [--entries 1000000]

Without DATABASE_URL: SQLite in a temporary folder. The database has to be one for this alone: it is
migrated and filled up to so many entries, copies of a few calls as the gateway records them. Then
each format is exported from the first to the last entry, and thrown away. Prints entries a second
(by the clock, and by this process's own CPU time alone), megabytes of text, and the most memory
the process had until 100,000 entries and until the end.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

AIM = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "omni2.settings",
            "OMNI2_ENV_FILE": os.devnull,
            "OMNI2_DATA_DIR": folder,
            "REDIS_URL": "",
        }
        measure(options.entries)


def measure(entries: int) -> None:
    import django  # noqa: PLC0415  needs the environment

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from audit.export import Format  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    there = fill(entries)
    print(f"{there:,} entries on {connection.vendor} (the aim: {AIM:,} a second, flat memory)")
    for form in Format:
        export(form)


def fill(entries: int) -> int:
    """Double what is there until there is enough; the number of entries."""
    from django.db import connection  # noqa: PLC0415

    from audit.models import Entry  # noqa: PLC0415

    if not Entry.objects.exists():
        write_calls()
    columns = ", ".join(f'"{name}"' for name in (*Entry.columns(), "digest"))
    copy = f"INSERT INTO audit_entry ({columns}) SELECT {columns} FROM audit_entry LIMIT %s"
    while (there := Entry.objects.count()) < entries:
        with connection.cursor() as cursor:
            cursor.execute(copy, [entries - there])
            cursor.execute("ANALYZE audit_entry")
    return there


def write_calls(calls: int = 50) -> None:
    from audit import record  # noqa: PLC0415
    from tests.audit.conftest import FULL  # noqa: PLC0415

    before = {name: FULL[name] for name in FULL if name not in ("result", "milliseconds", "detail")}
    after = {name: FULL[name] for name in FULL if name not in ("arguments", "inputs", "decision")}
    for _ in range(calls):
        record.write("call.calling", "pending", **before)
        record.write("call.called", "ok", **after)


def export(form) -> None:
    from audit import export  # noqa: PLC0415
    from audit.filters import Filters  # noqa: PLC0415

    entries = size = early = 0
    started, worked = time.perf_counter(), time.process_time()
    for part in export.parts(Filters.parse({}), form):
        entries, size = entries + part.entries, size + len(part.text)
        early = early or (memory() if entries > 100_000 else 0)
    seconds, own = time.perf_counter() - started, time.process_time() - worked
    print(
        f"{form.value:6}{entries / seconds:10,.0f} entries/s ({entries / own:,.0f} by CPU time)"
        f"{size / 1e6:10,.0f} MB   memory {early:,} MB, {memory():,} MB at the end"
    )


def memory() -> int:
    """The most this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
