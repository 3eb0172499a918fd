"""Entries as CSV or JSON lines, oldest first, a batch at a time whatever their number."""

import csv
import io
import json
from collections.abc import Iterator
from enum import StrEnum

from audit import chain
from audit.filters import Filters
from audit.models import Entry

BATCH = 1000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


def lines(wanted: Filters, form: Format) -> Iterator[str]:
    """The entries as lines of text, each with its end of line."""
    names = ("id", *Entry.columns(), "digest")
    if form is Format.CSV:
        yield csv_line(names)
    for row in _rows(wanted, names):
        yield csv_line(row) if form is Format.CSV else json_line(dict(zip(names, row, strict=True)))


def _rows(wanted: Filters, names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    last = 0
    entries = wanted.apply(Entry.objects.order_by("id"))
    while batch := list(entries.filter(id__gt=last).values_list(*names)[:BATCH]):
        yield from batch
        last = batch[-1][0]


def json_line(row: dict[str, object]) -> str:
    """One JSON object on one line, in ASCII; control characters are escaped."""
    return json.dumps(row, default=chain.plain) + "\n"


def csv_line(row: tuple[object, ...]) -> str:
    """One line of CSV in which no cell is a formula and no control character is left."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_cell(value) for value in row])
    return line.getvalue()


def _cell(value: object) -> object:
    """A cell that a spreadsheet shows as text; a quote mark stands before what it would reckon."""
    if value is None or isinstance(value, int):
        return value
    text = value if isinstance(value, str) else _spelled(value)
    guarded = f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in guarded
    )


def _spelled(value: object) -> str:
    if isinstance(value, (dict, list)):
        return chain.canonical(value).decode()
    return chain.plain(value)
