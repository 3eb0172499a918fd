"""Pages of entries, newest first, that cost the same however far back one goes.

A page begins where another ended: behind a mark, which is an entry's moment and id. Nothing is
counted and nothing is skipped over.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db.models import Q, QuerySet

from audit import search
from audit.errors import BadFilter
from audit.filters import Filters
from audit.models import Entry
from audit.numerals import is_digits

DEFAULT_LIMIT = 50
MOST = 500
PARAMETERS = ("before", "after", "limit")
First = Callable[["QuerySet[Entry]", int], list[Entry]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The widest that a moment and a key can be.
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_WIDEST = 2**63 - 1


@dataclass(frozen=True)
class Page:
    """Entries, newest first, and the marks to give as `before` and `after`; empty at an end."""

    entries: list[Entry]
    older: str
    newer: str


def asked(
    entries: "QuerySet[Entry]", query: Mapping[str, str], *, without: Iterable[str] = ()
) -> tuple[Page, Filters]:
    """The page of entries that these parameters ask for, and the filters they gave.

    Raises BadFilter for any that is wrong, unknown, or stands in `without`.
    """
    wanted = Filters.parse(query, besides=PARAMETERS, without=without)
    before, after, limit = (str(query.get(name, "")) for name in PARAMETERS)
    others, keys = wanted.apart()
    first = _first if keys is None else partial(search.first, keys=keys)
    found = page(
        others.apply(entries), before=before, after=after, limit=limit_of(limit), first=first
    )
    return found, wanted


def _first(entries: "QuerySet[Entry]", most: int) -> list[Entry]:
    return list(entries[:most])


def page(
    entries: "QuerySet[Entry]",
    *,
    before: str = "",
    after: str = "",
    limit: int = DEFAULT_LIMIT,
    first: First = _first,
) -> Page:
    """The newest of the entries; or those next before, or next after, a mark.

    `first` reads so many of them in their order. Raises BadFilter for what is no mark, or for two.
    """
    if before and after:
        raise BadFilter("Give before or after, not both.", field="after")
    if after:
        found = first(_newer_than(entries, after).order_by("at", "id"), limit + 1)
        shown = found[:limit][::-1]
        return Page(shown, mark(shown[-1]) if shown else "", _end(shown[:1], found, limit))
    chosen = _older_than(entries, before) if before else entries
    found = first(chosen.order_by("-at", "-id"), limit + 1)
    shown = found[:limit]
    newer = mark(shown[0]) if before and shown else ""
    return Page(shown, _end(shown[-1:], found, limit), newer)


def _end(last: list[Entry], found: list[Entry], limit: int) -> str:
    """The mark of the page's last entry, when there was one more behind it."""
    return mark(last[0]) if len(found) > limit else ""


def mark(entry: Entry) -> str:
    """The entry's place in the order, as text."""
    return f"{(entry.at - _EPOCH) // _MICROSECOND}-{entry.pk}"


def limit_of(given: str) -> int:
    """How many entries a page shall have; raises BadFilter for no number from 1 to 500."""
    if not given:
        return DEFAULT_LIMIT
    number = int(given) if is_digits(given, 5) else 0
    if not 1 <= number <= MOST:
        raise BadFilter(f"This is a whole number from 1 to {MOST}.", field="limit")
    return number


def _older_than(entries: "QuerySet[Entry]", given: str) -> "QuerySet[Entry]":
    at, key = _place(given, field="before")
    return entries.filter(at__lte=at).filter(Q(at__lt=at) | Q(id__lt=key))


def _newer_than(entries: "QuerySet[Entry]", given: str) -> "QuerySet[Entry]":
    at, key = _place(given, field="after")
    return entries.filter(at__gte=at).filter(Q(at__gt=at) | Q(id__gt=key))


def _place(given: str, *, field: str) -> tuple[datetime, int]:
    at, _, key = given.partition("-")
    if is_digits(at, 19) and is_digits(key, 19):
        microseconds, number = int(at), int(key)
        if microseconds <= _LATEST and number <= _WIDEST:
            return _EPOCH + microseconds * _MICROSECOND, number
    raise BadFilter("This is the mark that another page gave as older or newer.", field=field)
