"""What this process keeps in memory of the tables, and dropping it in every process at once."""

from dataclasses import dataclass

from django.db import transaction

from accounts import access
from audit import record, stamps
from audit.models import Entry
from audit.record import Who


@dataclass(frozen=True)
class Count:
    """How many values of one sort are kept, and how many there may be."""

    of: str
    values: int
    most: int


def counts() -> list[Count]:
    """What this process keeps; what has gone out of date since its last look counts too."""
    kept = [Count(one.of, len(one), one.size) for one in stamps.in_use()]
    return [*kept, Count("compiled policies", access.compiled(), access.KEPT_VERSIONS)]


def clear(*, who: Who) -> None:
    """Have every process read anew what it keeps of the tables, from its next look on.

    Compiled policies stay: each is kept by its digest, and the one in force is looked up anew.
    """
    with transaction.atomic():
        stamps.renew()
        detail = {"action": "caches cleared"}
        record.write(Entry.Kind.ADMIN_CHANGED, Entry.Outcome.OK, who=who, detail=detail)
