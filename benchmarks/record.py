"""How long a page of a large record takes over REST: each filter by itself, here and far back.

    .venv/bin/python benchmarks/record.py postgres://postgres@127.0.0.1/scratch [--entries 5000000]

The database is one that holds nothing else. It is filled by `generate_audit` up to so many entries
and left as it is, so that a second run only measures. Each line is one filter with `--rounds`
values that entries have, and one that none has: the first page, and one that begins at a random
moment.
Milliseconds of whole requests, handled in this process; it fails where a p95 is over its bar.
"""

import argparse
import os
import random
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BAR, TEXT_BAR = 150, 300
PATH = "/api/audit/entries"
TEXTS = ("kind", "outcome", "person", "role", "door", "address", "api_key", "server", "tool")
DECIDED = (
    "effect",
    "layer",
    "rule",
    "policy_version",
    "error_code",
    "question",
    "call",
    "decision",
)
NUMBERS = ("cost", "milliseconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database")
    parser.add_argument("--entries", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=30)
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
    """Make the record as large as is wanted, and let the database look at it."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from audit import following, search  # noqa: PLC0415
    from audit.models import Entry  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    missing = entries - Entry.objects.count()
    if missing > 0:
        call_command("generate_audit", str(missing), add=True)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE audit_entry")
    if following.behind(search.FOLLOWER):
        call_command("index_audit")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE audit_entrywords")
    print(f"{Entry.objects.count():,} entries, {size(connection)}")


def size(connection: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_size_pretty(pg_table_size('audit_entry')),"
            " pg_size_pretty(pg_indexes_size('audit_entry')),"
            " pg_size_pretty(pg_total_relation_size('audit_entrywords'))"
        )
        table, indexes, words = cursor.fetchone()
    return f"{table} and {indexes} of indexes, {words} of words"


def measure(rounds: int) -> int:
    """Print each filter's times; how many are over their bar."""
    client, chance, over = auditor(), random.Random(7), 0
    print(f"\n{'filter':<18}{'first page':>22}{'far back':>22}      (p50, p95 in ms)")
    for name, values, bar in asked(chance, rounds):
        given = name.partition(":")[0]
        first = [timed(client, given, value) for value in values]
        far = [timed(client, given, value, before=moment(chance)) for value in values]
        worst = max(quantile(first, 95), quantile(far, 95))
        over += worst > bar
        print(f"{name:<18}{shown(first):>22}{shown(far):>22}{'  OVER' if worst > bar else ''}")
    return over


def auditor() -> Any:
    """A client that may read the record."""
    from rest_framework.test import APIClient  # noqa: PLC0415

    from accounts.models import ApiKey, User  # noqa: PLC0415

    email = "auditor@example.com"
    user = User.objects.filter(email=email).first() or User.objects.create_superuser(email)
    client = APIClient(SERVER_NAME="localhost")
    client.credentials(
        HTTP_AUTHORIZATION=f"Bearer {ApiKey.issue(user, 'benchmark', scopes=['admin'])[1]}"
    )
    return client


def asked(chance: random.Random, rounds: int) -> Any:
    """Each filter with values to ask for, and its bar in milliseconds."""
    yield "(none)", [""] * rounds, BAR
    for name in (*TEXTS, *DECIDED):
        yield name, values_of(name, chance, rounds), BAR
    for name in NUMBERS:
        numbers = values_of(name, chance, rounds)
        # Also what few entries have, and what hardly any has.
        rare = sorted(values_of(name, chance, 2000), key=float)[-rounds // 2 :]
        yield f"min_{name}", [*numbers, *rare, "99999"], BAR
        yield f"max_{name}", [*numbers, "0"], BAR
    for name, values in texts(chance, rounds).items():
        yield f"text: {name}", values, TEXT_BAR
    yield "from", [f"{chance.randint(1, 2000)}h" for _ in range(rounds)], BAR
    yield "to", [f"{chance.randint(1, 2000)}h" for _ in range(rounds)], BAR


def values_of(name: str, chance: random.Random, rounds: int) -> list[str]:
    """Values of entries chosen at random, so that frequent ones come often; and one of none."""
    from audit.filters import FILTERS  # noqa: PLC0415
    from audit.models import Entry  # noqa: PLC0415

    last = Entry.objects.order_by("-id").values_list("id", flat=True)[0]
    column = FILTERS[name].lookup if name in FILTERS else name
    given = Entry.objects.exclude(**{column: None} if name in NUMBERS else {column: ""})
    found: list[str] = []
    while len(found) < rounds:
        ids = [chance.randint(1, last) for _ in range(20 * rounds)]
        found += map(
            str, given.filter(id__in=ids).order_by("digest").values_list(column, flat=True)
        )
    words = {"kind": "setup.done", "outcome": "expired", "effect": "ask"}
    return [*found[:rounds], *([] if name in NUMBERS else [words.get(name, "nobody")])]


def texts(chance: random.Random, rounds: int) -> dict[str, list[str]]:
    """Searches for what many, some, few and no entries say."""
    from audit.generation.company import THINGS, Company  # noqa: PLC0415

    customers = Company(0).customers
    tickets = [f"INC-{chance.randrange(10**7):07}" for _ in range(rounds)]
    frequent = customers[:rounds]
    return {
        "a frequent word": [chance.choice(("owner", "example", "state", *THINGS)) for _ in tickets],
        "a customer": [f'"{chance.choice(customers)}"' for _ in tickets],
        "a big customer": [f'"{one}"' for one in frequent],
        "two words": [f"{one.split()[0]} {chance.choice(THINGS)}" for one in frequent],
        "one and not": [f"{one.split()[1]} -{chance.choice(THINGS)}" for one in frequent],
        "a ticket": [*tickets, "INC-99999999"],
        "a beginning": [f"{ticket[4:9]}*" for ticket in tickets],
        "words of none": [f"{one.split()[0]} nowhere" for one in frequent],
    }


def moment(chance: random.Random) -> str:
    """A mark somewhere in the record."""
    from django.utils import timezone  # noqa: PLC0415

    at = timezone.now() - timedelta(hours=chance.uniform(1, 24 * 85))
    return f"{int(at.timestamp() * 1e6)}-1"


def timed(client: Any, name: str, value: str, **more: str) -> float:
    query = more | ({name: value} if value else {})
    began = time.perf_counter()
    answer = client.get(PATH, query)
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, answer.content
    return took


def quantile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def shown(times: list[float]) -> str:
    return f"{statistics.median(times):.1f}, {quantile(times, 95):.1f}"


if __name__ == "__main__":
    main()
