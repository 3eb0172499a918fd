"""How long entries are kept, by kind: the reading of OMNI2_RETENTION, without the database.

Days by kind (`registry.health`), by family (`registry.*`) or for all (`*`); the narrowest holds.
What no rule names is kept for ever.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from audit.errors import RetentionError
from audit.models import Entry

MOST_DAYS = 36_500
# What the proof of erased and pruned entries rests on.
ALWAYS_KEPT = frozenset(
    {Entry.Kind.RECORD_ERASED, Entry.Kind.RECORD_PRUNED, Entry.Kind.RECORD_KEY_CHANGED}
)


def days(rules: object) -> Mapping[str, int]:
    """Days by kind, of those kinds that are not kept for ever; RetentionError names what is off."""
    if not isinstance(rules, Mapping):
        raise RetentionError('It is a JSON object of days by kind, such as {"registry.*": 90}.')
    for name, count in rules.items():
        _check(name, count)
    found = {kind: _narrowest(kind, rules) for kind in Entry.Kind.values}
    return {
        kind: count
        for kind, count in found.items()
        if count is not None and kind not in ALWAYS_KEPT
    }


def _check(name: object, count: object) -> None:
    if not isinstance(name, str) or (name != "*" and not _kinds(name)):
        raise RetentionError(f"{name}: there is no such kind or family of entries.")
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_DAYS:
        raise RetentionError(f"{name}: days are a whole number from 1 to {MOST_DAYS}.")
    if name in ALWAYS_KEPT:
        raise RetentionError(f"{name}: the proof of what was taken away rests on it; it is kept.")


def _kinds(name: str) -> list[str]:
    return [kind for kind in Entry.Kind.values if name in (kind, _family(kind))]


def _family(kind: str) -> str:
    return f"{kind.partition('.')[0]}.*"


def _narrowest(kind: str, rules: Mapping[str, int]) -> int | None:
    names = (kind, _family(kind), "*")
    return next((rules[name] for name in names if name in rules), None)


def cutoffs(kept: Mapping[str, int], now: datetime) -> Iterable[tuple[datetime, list[str]]]:
    """For each length of time the moment before which entries go, and the kinds it is of."""
    for count in sorted({*kept.values()}):
        yield now - timedelta(days=count), sorted(kind for kind in kept if kept[kind] == count)
