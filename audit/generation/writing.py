"""Writes the made-up record, a stretch at a time, several at once, and has the sealer seal it.

For databases that hold nothing else: keys are given out here, so nobody else may write meanwhile.
"""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

from django.db import connection, connections, transaction
from django.db.models import Max
from django.utils import timezone

from audit import seal
from audit.generation.company import Company
from audit.generation.stories import Calendar, Happened, happened
from audit.generation.templates import NAMES, PLACE
from audit.models import Entry, Unsealed

STRETCH = 20_000
ENTRIES_OF_A_STORY = 5
# What the last stories may take until they have ended.
TAIL = timedelta(minutes=30)


@dataclass(frozen=True)
class Stretch:
    """Some entries in a row: how many, their first key, which part of the period they are of."""

    seed: int
    number: int
    first: int
    count: int
    parts: tuple[float, float]
    since: datetime
    days: int


def generate(count: int, *, days: int, seed: int, processes: int) -> Iterator[int]:
    """Write and seal `count` entries of the last `days`; how many there are, now and then."""
    stretches = _stretches(count, days=days, seed=seed)
    done = 0
    for stretch in _written(stretches, processes):
        _seal(until=stretch.first + stretch.count - 1)
        done += stretch.count
        yield done
    _advance_keys()


def _stretches(count: int, *, days: int, seed: int) -> list[Stretch]:
    first = (Entry.objects.aggregate(last=Max("id"))["last"] or 0) + 1
    since = timezone.now() - TAIL - timedelta(days=days)
    return [
        Stretch(
            seed=seed,
            number=number,
            first=first + start,
            count=min(STRETCH, count - start),
            parts=(start / count, min(start + STRETCH, count) / count),
            since=since,
            days=days,
        )
        for number, start in enumerate(range(0, count, STRETCH))
    ]


def _written(stretches: Sequence[Stretch], processes: int) -> Iterator[Stretch]:
    """The stretches in order, each once it is written."""
    if processes < 2 or len(stretches) < 2 or connection.vendor == "sqlite":
        for stretch in stretches:
            write(stretch)
            yield stretch
        return
    _let_go_of_connections()
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        for stretch, _ in zip(stretches, pool.map(write, stretches), strict=True):
            yield stretch


def _let_go_of_connections() -> None:
    """So that no process goes on with a connection of ours."""
    connections.close_all()
    database: Any = connection
    database.close_pool()


def write(stretch: Stretch) -> None:
    """Write one stretch, in one transaction."""
    rows = list(_rows(stretch))
    with transaction.atomic():
        _insert(Entry, NAMES, [cells for cells, _ in rows])
        _insert(Unsealed, ("entry", "digest"), [(cells[0], digest) for cells, digest in rows])


def _rows(stretch: Stretch) -> Iterator[tuple[list[Any], str]]:
    chance = random.Random(f"{stretch.seed} {stretch.number}")
    calendar = Calendar(stretch.since, stretch.days)
    begin, end = stretch.parts
    stories = stretch.count // ENTRIES_OF_A_STORY + 1
    told: list[Happened] = []
    while len(told) < stretch.count:
        parts = sorted(begin + (end - begin) * chance.random() for _ in range(stories))
        told += happened(_company(stretch.seed), chance, map(calendar.moment, parts))
    told.sort(key=lambda one: one.at)
    for key, one in enumerate(told[: stretch.count], stretch.first):
        yield one.template.row(key, one.changes, customer=one.customer, ticket=one.ticket)


@lru_cache(maxsize=1)
def _company(seed: int) -> Company:
    return Company(seed)


# --- Into the database ----------------------------------------------------------------------------
def _insert(model: Any, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = ", ".join(quote(model._meta.get_field(name).column) for name in names)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(names))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
        cursor.executemany(statement, [_for_sqlite(row, names) for row in rows])


def _for_sqlite(row: Sequence[Any], names: Sequence[str]) -> Sequence[Any]:
    """Moments as Django's SQLite spells them: without a zone."""
    if "at" not in names:
        return row
    at = PLACE["at"]
    return [*row[:at], row[at][:26].replace("T", " "), *row[at + 1 :]]


def _seal(*, until: int) -> None:
    """Seal what is written up to this key."""
    while Unsealed.objects.filter(entry__lte=until).exists():
        seal.seal_block()


def _advance_keys() -> None:
    """Have the next entry of anybody get a key that is free."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence(%s, 'id'), (SELECT max(id) FROM audit_entry))",
            [Entry._meta.db_table],
        )
