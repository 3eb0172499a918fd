"""How long the dashboard, and each request for its figures, takes over a large record.

    .venv/bin/python benchmarks/dashboard.py postgres://postgres@127.0.0.1/scratch [--entries N]

The database is one that holds nothing else, such as `benchmarks/record.py` fills; it is filled by
`generate_audit` up to so many entries, 5,000,000 where nothing is said. What is not added up yet
is, and timed. Milliseconds of whole requests, handled in this process; it fails where a p95 is over
300.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BAR = 300
STATS, TOP, LIVE = "/api/audit/stats", "/api/audit/stats/top", "/api/audit/stats/live"
PAGE = "/admin/dashboard/"
EMAIL = "auditor@example.com"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database")
    parser.add_argument("--entries", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "omni2.settings",
        "DATABASE_URL": options.database,
        "REDIS_URL": "",
        "OMNI2_ENV_FILE": "/dev/null",
    }
    import django  # noqa: PLC0415  needs the environment

    django.setup()
    fill(options.entries)
    sys.exit(measure(options.rounds))


def fill(entries: int) -> None:
    """Have as many entries as are wanted (by their last id), all of them added up."""
    from django.core.management import call_command  # noqa: PLC0415

    from audit import following, rollup  # noqa: PLC0415
    from audit.models import Entry, Rollup  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    last = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    if last < entries:
        call_command("generate_audit", str(entries - last), add=True)
        look_at("audit_entry")
    behind, began = following.behind(rollup.FOLLOWER), time.monotonic()
    rollup.roll_up(rollup.REBUILD_ENTRIES)
    seconds = time.monotonic() - began
    look_at("audit_rollup")
    print(f"{behind:,} blocks added up in {seconds:.0f} s; {Rollup.objects.count():,} sums")


def look_at(table: str) -> None:
    """Have the database look at a table that was filled at once, as it does by itself in time."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {table}")


def measure(rounds: int) -> int:
    """Print the times of each request; how many are over the bar."""
    client, over = auditor(), 0
    print(f"\n{'request':<62}{'p50':>8}{'p95':>8}  ms")
    for path, query in asked():
        times = [timed(client, path, query) for _ in range(rounds)]
        worst = statistics.quantiles(times, n=100, method="inclusive")[94]
        over += worst > BAR
        said = f"{path} {' '.join(f'{name}={value}' for name, value in query.items())}"
        late = "  OVER" if worst > BAR else ""
        print(f"{said:<62}{statistics.median(times):>8.1f}{worst:>8.1f}{late}")
    return over


def auditor() -> Any:
    """A browser's client of somebody who may read the record."""
    from django.test import Client  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415

    user = User.objects.filter(email=EMAIL).first() or User.objects.create_superuser(EMAIL)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def asked() -> Iterator[tuple[str, dict[str, str]]]:
    """Every request, over a week and over all that there is."""
    from audit import stats  # noqa: PLC0415
    from audit.models import Rollup  # noqa: PLC0415

    yield LIVE, {}
    for since in ("24h", "7d", "90d"):
        yield STATS, {"from": since}
    yield STATS, {"from": "30d", "granularity": "hour"}
    name = Rollup.objects.filter(dimension="person").values_list("name", flat=True)[0]
    yield STATS, {"from": "90d", "by": "person", "name": name}
    for by in Rollup.Dimension.values[1:]:
        yield TOP, {"from": "90d", "by": by, "order": "calls"}
    for order in stats.ORDERS:
        yield TOP, {"from": "90d", "by": "person", "order": order, "limit": "100"}
    for last in ("24h", "7d", "30d", "90d"):
        yield PAGE, {"last": last}


def timed(client: Any, path: str, query: dict[str, str]) -> float:
    began = time.perf_counter()
    answer = client.get(path, query)
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, answer.content
    return took


if __name__ == "__main__":
    main()
