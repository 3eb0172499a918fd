"""Entries as they lie in the database, each with the digest that it carries and the one it has.

What is hashed is fixed by `audit.chain`. On PostgreSQL rows are read as text and spelled by a
faster encoder first: where the digest comes out right, the bytes were the same ones; where it does
not, the model's own way decides. So the short way can save time but never find for or against.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import compress
from typing import Any, NamedTuple

import orjson
from django.db import connection, models
from django.db.models import Min

from audit import chain
from audit.models import Entry

PAGE = 5000
COLUMNS = Entry.columns()
# What no entry carries.
NO_DIGEST = "none"
# What a database adapter raises when a column holds what it cannot turn into a value.
UNREADABLE = (ValueError, TypeError, ArithmeticError)

_SPELLED = (models.JSONField, models.DecimalField, models.DateTimeField, models.IntegerField)
# A moment on PostgreSQL, in UTC: "2026-05-01 12:00:00", "2026-05-01 12:00:00.5+00".
_DAY, _SECOND = 10, 19


class Row(NamedTuple):
    """An entry: its key, the digest it carries, the one its columns have, and its moment.

    Where it cannot be read, `reckoned` is "". `at` sorts as moments do.
    """

    id: int
    digest: str
    reckoned: str
    at: str
    # The entry that says that something of this one was erased; 0 where nothing was.
    erased_by: int = 0


def between(after: int, last: int) -> Iterator[list[Row]]:
    """All entries with `after` < id <= `last`, in the order of ids, at most `PAGE` at a time."""
    while True:
        # By ids alone: a LIMIT would tempt a planner without statistics to sort all that follows.
        page = _page("id > %s AND id <= %s", [after, min(after + PAGE, last)])
        if page:
            yield page
        coming = _next(after + PAGE, last)
        if coming is None:
            return
        after = coming - 1


def these(ids: Sequence[int]) -> list[Row]:
    """The entries of these ids that are there, in the order of ids."""
    marks = ", ".join(["%s"] * len(ids))
    return _page(f"id IN ({marks})", ids) if ids else []


def _next(after: int, last: int) -> int | None:
    """The first entry beyond: ids may leave any gap."""
    if after >= last:
        return None
    coming = Entry.objects.filter(id__gt=after, id__lte=last)
    first: int | None = coming.aggregate(first=Min("id"))["first"]
    return first


def _page(where: str, values: Sequence[int]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"{_statement()} WHERE {where} ORDER BY id", values)
        rows = cursor.fetchall()
    if connection.vendor != "postgresql":
        return _of_models([entry for (entry,) in rows])
    found = [_quickly(values) for values in rows]
    doubtful = [row.id for row in found if row.digest != row.reckoned]
    if doubtful:
        sure = {row.id: row for row in _of_models(doubtful)}
        found = [sure.get(row.id, row) for row in found]
    return found


@cache
def _statement() -> str:
    table = Entry._meta.db_table
    if connection.vendor != "postgresql":
        return f"SELECT id FROM {table}"
    columns = ", ".join(_as_text(Entry._meta.get_field(name)) for name in COLUMNS)
    return f"SELECT id, digest, salt, erased::text, {columns} FROM {table}"


def _as_text(field: Any) -> str:
    """The column, as text where the adapter would make something else of it."""
    name = connection.ops.quote_name(field.column)
    return f"{name}::text" if isinstance(field, _SPELLED) else name


# --- The short way --------------------------------------------------------------------------------
_JSON = tuple(name for name in COLUMNS if isinstance(Entry._meta.get_field(name), models.JSONField))


_NUMBERS = tuple(
    name for name in COLUMNS if isinstance(Entry._meta.get_field(name), models.IntegerField)
)


def _quickly(values: tuple[Any, ...]) -> Row:
    entry, digest, salt, erased, *columns = values
    try:
        if erased is not None:
            raise ValueError("this is for the sure way")
        there = _there(columns)
        return Row(entry, digest, _salted(there, salt) if salt else _plain(there), there["at"])
    except UNREADABLE:
        return Row(entry, digest, "", "")


def _there(columns: list[Any]) -> dict[str, Any]:
    """The columns that are not empty, as `chain.canonical` takes them."""
    # All are texts by now, so that what is empty is what is false.
    there: dict[str, Any] = dict(
        zip(compress(COLUMNS, columns), filter(None, columns), strict=True)
    )
    there["at"] = _moment(there["at"])
    for name in _NUMBERS:
        if name in there:
            there[name] = int(there[name])
    for name in _JSON:
        if name in there:
            there[name] = orjson.loads(there[name])
    return there


def _plain(there: dict[str, Any]) -> str:
    """The leaf of an entry of the first form."""
    for name in chain.CONTENT_COLUMNS:
        if name in there:
            there[name] = _hexdigest(_canonical(there[name]))
    return _hexdigest(chain.ENTRY_TAG + _canonical(there))


def _salted(there: dict[str, Any], salt: str) -> str:
    """The leaf of an entry of the second form."""
    covered = there.copy()
    for group, names in chain.GROUPS.items():
        own = {name: covered.pop(name) for name in names if name in covered}
        text = chain.GROUP_TAG + salt[chain.SALTS[group]].encode() + _canonical(own)
        covered[group] = _hexdigest(text)
    return _hexdigest(chain.SALTED_TAG + _canonical(covered))


def _moment(text: str) -> str:
    """As `chain.plain` spells it."""
    fraction = text[_SECOND:-3]
    if text[-3:] != "+00" or text[_DAY : _DAY + 1] != " ":
        raise ValueError(f"{text} is not in UTC")
    return f"{text[:_DAY]}T{text[_DAY + 1 : _SECOND]}.{fraction[1:]:0<6}+00:00"


def _canonical(value: object) -> bytes:
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if text.isascii():
        return text
    # As JSON escapes it, save for characters that Python spells otherwise than \\u and four digits.
    escaped = text.decode().encode("ascii", "backslashreplace")
    return chain.canonical(value) if b"\\x" in escaped or b"\\U" in escaped else escaped


def _hexdigest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- The sure way ---------------------------------------------------------------------------------
_NEEDED = ("id", "digest", "salt", "erased", *COLUMNS)


def _of_models(ids: Sequence[int]) -> list[Row]:
    entries = Entry.objects.filter(id__in=ids).order_by("id")
    try:
        return [_reckoned(*values) for values in entries.values_list(*_NEEDED)]
    except UNREADABLE:
        return [_one(entry) for entry in ids]


def _one(entry: int) -> Row:
    try:
        return _reckoned(*Entry.objects.filter(id=entry).values_list(*_NEEDED).get())
    except UNREADABLE:
        return Row(entry, "", "", "")


def _reckoned(entry: int, digest: str, salt: str, erased: Any, *values: object) -> Row:
    columns = dict(zip(COLUMNS, values, strict=True))
    at = chain.plain(columns["at"])
    try:
        leaf = chain.entry_digest(columns, salt, erased)
    except ValueError:
        # It can be read, and is none of ours.
        leaf = NO_DIGEST
    by = erased.get("entry") if isinstance(erased, dict) else 0
    return Row(entry, digest, leaf, at, by if isinstance(by, int) else -1)
