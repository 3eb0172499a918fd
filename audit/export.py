"""Entries as CSV or JSON lines, oldest first, a batch at a time whatever their number.

Batches follow one another by the key, each by a query of its own: nothing is held open between
them, neither memory nor a transaction, however slowly they are taken.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from django.db.models import JSONField, Max, QuerySet, TextField
from django.db.models.functions import Cast

from audit import chain, record
from audit.filters import Filters
from audit.models import Entry

BATCH = 1000
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
COLUMNS = ("id", *Entry.columns(), "digest")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_DELETE = "\\u007f"
_string = json.encoder.encode_basestring_ascii

Row = tuple[Any, ...]
Keys = list[tuple[str, Callable[[Any], str]]]


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True)
class Part:
    """Some lines of an export, and how many entries stand on them."""

    text: str
    entries: int


# --- The whole of it, on the record ---------------------------------------------------------------
def begin(wanted: Filters, form: Format, *, who: record.Who) -> Generator[str]:
    """The export's text, part by part; recorded now, and with the count however it ends.

    An export that is not taken to its end has to be closed (`close()`): it was cancelled.
    """
    parts = _recorded(wanted, form, who)
    next(parts)
    return parts


def _recorded(wanted: Filters, form: Format, who: record.Who) -> Generator[str]:
    detail: dict[str, object] = {"format": form.value, "filters": dict(wanted.given)}
    begun = record.write(Entry.Kind.RECORD_EXPORTED, Entry.Outcome.PENDING, who=who, detail=detail)
    count, outcome = 0, Entry.Outcome.CANCELLED
    try:
        yield ""
        for part in parts(wanted, form, upto=begun.pk - 1):
            yield part.text
            count += part.entries
        outcome = Entry.Outcome.OK
    except Exception:
        outcome = Entry.Outcome.FAILED
        raise
    finally:
        ended = {**detail, "begun": begun.pk, "entries": count}
        record.write(Entry.Kind.RECORD_EXPORTED, outcome, who=who, detail=ended)


# --- Its text -------------------------------------------------------------------------------------
def parts(wanted: Filters, form: Format, *, upto: int | None = None) -> Iterator[Part]:
    """The entries as whole lines; of those that are there now, or up to this key."""
    if form is Format.CSV:
        yield Part(csv_line(COLUMNS), 0)
    for rows in _batches(wanted, upto):
        yield Part(lines(rows, form), len(rows))


def rows_of(entries: "QuerySet[Entry]", columns: tuple[str, ...] = COLUMNS) -> "QuerySet[Any, Row]":
    """These columns of the entries; JSON as the text it is, as `lines` takes it."""
    # To read JSON and write it again took half of the time.
    return entries.values_list(
        *(Cast(name, TextField()) if name in _DOCUMENTS else name for name in columns)
    )


def lines(rows: list[Row], form: Format, columns: tuple[str, ...] = COLUMNS) -> str:
    """These rows as text, a line each."""
    return _csv(rows) if form is Format.CSV else _json(rows, _keys(columns))


def _batches(wanted: Filters, upto: int | None) -> Iterator[list[Row]]:
    if upto is None:
        upto = Entry.objects.aggregate(last=Max("id"))["last"] or 0
    last = 0
    entries = wanted.apply(Entry.objects.filter(id__lte=upto).order_by("id"))
    while batch := list(rows_of(entries.filter(id__gt=last))[:BATCH]):
        yield batch
        last = batch[-1][0]


# --- JSON lines -----------------------------------------------------------------------------------
def _json(rows: list[Row], keys: Keys) -> str:
    """One JSON object a line, in ASCII; control characters are escaped."""
    return "".join(
        "{"
        + ", ".join([key + spell(value) for (key, spell), value in zip(keys, row, strict=True)])
        + "}\n"
        for row in rows
    )


@cache
def _keys(columns: tuple[str, ...]) -> Keys:
    return [(f'"{name}": ', _as_document if name in _DOCUMENTS else _as_value) for name in columns]


def _as_document(value: Any) -> str:
    """JSON that is text already; outside of ASCII it has characters in strings alone."""
    if value is None:
        return "null"
    if not value.isascii():
        value = _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], value)
    return _DELETE.join(value.split("\x7f"))


def _as_value(value: Any) -> str:
    if value.__class__ is str:
        return _string(value)
    if value is None:
        return "null"
    return str(value) if value.__class__ is int else f'"{chain.plain(value)}"'


_DOCUMENTS = frozenset(
    field.attname for field in Entry._meta.concrete_fields if isinstance(field, JSONField)
)


# --- CSV ------------------------------------------------------------------------------------------
def csv_line(row: Row) -> str:
    """One line of CSV in which no cell is a formula and no control character is left."""
    return _csv([row])


def _csv(rows: Iterable[Row]) -> str:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(
        [_cell(value) for value in row] for row in rows
    )
    return lines.getvalue()


def _cell(value: object) -> object:
    """A cell that a spreadsheet shows as text; a quote mark stands before what it would reckon."""
    if value is None or isinstance(value, int):
        return value
    text = value if isinstance(value, str) else _spelled(value)
    if text.lstrip(" ")[:1] in FORMULA:
        text = f"'{text}"
    return text if text.isprintable() else _printable(text)


def _printable(text: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _spelled(value: object) -> str:
    if isinstance(value, (dict, list)):
        return chain.canonical(value).decode()
    return chain.plain(value)
