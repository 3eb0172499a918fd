"""Counters in the database: a locked row each, by the database's clock."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from accounts.counters import Count, Rate, live, reckon, slot_of
from accounts.models.limits import Counter


class SqlStore:
    """Shared by all processes of the deployment. Within a transaction, it is undone with it."""

    def count(self, rates: Sequence[Rate], *, add: bool) -> tuple[bool, list[Count]]:
        """As `Store.count` says."""
        with transaction.atomic():
            rows, now = _rows([rate.key for rate in rates], lock=add)
            found = [live(_numbered(rows.get(rate.key)), rate, now) for rate in rates]
            pairs = list(zip(rates, found, strict=True))
            admitted = all(sum(slots.values()) < rate.limit for rate, slots in pairs)
            if add and admitted:
                for rate, slots in pairs:
                    slot = slot_of(rate, now)
                    slots[slot] = slots.get(slot, 0) + 1
                    Counter.objects.filter(name=rate.key).update(slots=slots)
        return admitted, [reckon(slots, rate, now) for rate, slots in pairs]


def _rows(names: list[str], *, lock: bool) -> tuple[dict[str, Counter], float]:
    """The counters by name and the database's time; locked, and made where they are missing."""
    # In one order, so that two who count the same things do not wait for each other.
    rows = Counter.objects.filter(name__in=names).order_by("name").annotate(now=Now())
    found: dict[str, Counter] = {
        row.name: row for row in (rows.select_for_update() if lock else rows)
    }
    missing = sorted(set(names) - found.keys())
    if missing and lock:
        fresh = [Counter(name=name) for name in missing]
        Counter.objects.bulk_create(fresh, ignore_conflicts=True)
        return _rows(names, lock=lock)
    return found, max((_time(row) for row in found.values()), default=0.0)


def _numbered(row: Counter | None) -> dict[int, int]:
    return {int(slot): times for slot, times in row.slots.items()} if row else {}


def _time(row: Counter) -> float:
    now: datetime = row.now  # type: ignore[attr-defined]  # annotated
    return now.timestamp()
