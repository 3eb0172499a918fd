"""What several writers want committed, as one statement of PostgreSQL: one way there and back.

The rows travel as JSON, so that the statement is the same for any number of them.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.db import DatabaseError, DataError, connection
from django.db.models import Field, Model

from audit import prepared
from audit.models import Entry, Unsealed
from audit.statements import GONE

if TYPE_CHECKING:
    from audit.together import Write

# The columns of a model that are written, the key among them where rows bring theirs.
Columns = tuple[type[Model], tuple[str, ...]]
_DIVISION_BY_ZERO = "22012"


def carry_out(writes: Sequence["Write"]) -> None:
    """Write all of them and commit it, outside of any transaction; or nothing of any."""
    entries = [entry for write in writes for entry in write.entries]
    added: dict[Columns, list[Model]] = {}
    changed: dict[Columns, list[Model]] = {}
    for write in writes:
        for row in write.added:
            added.setdefault((type(row), _names(type(row))), []).append(row)
        for row, names in write.changed:
            changed.setdefault((type(row), names), []).append(row)
    parameters = [_as_json(entries, _fields(Entry, _names(Entry, without_key=True)))]
    parameters += [_as_json(rows, _fields(*columns)) for columns, rows in added.items()]
    for (model, names), rows in changed.items():
        parameters += [_as_json(rows, _fields(model, (model._meta.pk.attname, *names)))]
    counts = [len(rows) for rows in changed.values()]
    statement = _statement(
        tuple(added), tuple((*columns, _about(len(rows))) for columns, rows in changed.items())
    )
    _execute(statement, [*parameters, *counts])


def _execute(statement: str, parameters: Sequence[Any]) -> None:
    """Raises DatabaseError where a row to change is not there any more."""
    try:
        prepared.rows(statement, parameters)
    except DataError as error:
        if getattr(error.__cause__, "sqlstate", "") == _DIVISION_BY_ZERO:
            raise DatabaseError(GONE) from None
        raise


def _about(number: int) -> int:
    """The next power of two, so that few statements do for every number of rows."""
    return 1 << (number - 1).bit_length()


@cache
def _statement(
    added: tuple[Columns, ...], changed: tuple[tuple[type[Model], tuple[str, ...], int], ...]
) -> str:
    entry = (Entry, _names(Entry, without_key=True))
    parts = [f"entries AS ({_insert(*entry)} RETURNING id, digest)"]
    parts += [f"added_{n} AS ({_insert(*columns)})" for n, columns in enumerate(added)]
    parts += [f"changed_{n} AS ({_update(*some)})" for n, some in enumerate(changed)]
    waiting = f"INSERT INTO {_table(Unsealed)} (entry, digest) SELECT id, digest FROM entries"
    parts.append(f"unsealed AS ({waiting})")
    # A row that is gone must undo the whole; a division by zero does.
    checks = ", ".join(
        f"1 / CASE (SELECT count(*) FROM changed_{n}) WHEN %s THEN 1 ELSE 0 END"
        for n in range(len(changed))
    )
    return f"WITH {', '.join(parts)} SELECT {checks or '1'}"


def _insert(model: type[Model], names: tuple[str, ...]) -> str:
    columns = ", ".join(_quoted(field) for field in _fields(model, names))
    return f"INSERT INTO {_table(model)} ({columns}) SELECT {columns} FROM {_rows(model)}"


def _update(model: type[Model], names: tuple[str, ...], most: int) -> str:
    """The LIMIT only says how few they are: unknowing, PostgreSQL would read the whole table."""
    key = _quoted(model._meta.pk)
    columns = ", ".join(
        f"{_quoted(field)} = new.{_quoted(field)}" for field in _fields(model, names)
    )
    table = _table(model)
    return (
        f"UPDATE {table} SET {columns} FROM (SELECT * FROM {_rows(model)} LIMIT {most}) AS new"
        f" WHERE {table}.{key} = new.{key} RETURNING 1"
    )


def _rows(model: type[Model]) -> str:
    return f"jsonb_populate_recordset(NULL::{_table(model)}, %s::jsonb)"


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _quoted(field: Any) -> str:
    return connection.ops.quote_name(field.column)


@cache
def _names(model: type[Model], *, without_key: bool = False) -> tuple[str, ...]:
    fields = model._meta.concrete_fields
    return tuple(one.attname for one in fields if not (without_key and one.primary_key))


@cache
def _fields(model: type[Model], names: tuple[str, ...]) -> list["Field[Any, Any]"]:
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    return [by_name[name] for name in names]


def _as_json(rows: Sequence[Model], fields: Sequence["Field[Any, Any]"]) -> str:
    columns = [(field.column, field.attname) for field in fields]
    plain = [{column: getattr(row, name) for column, name in columns} for row in rows]
    try:
        return orjson.dumps(plain, default=_plain).decode()
    except orjson.JSONEncodeError:
        # A number of more than 64 bits in what was handed in: JSON takes it, orjson does not.
        return json.dumps(plain, default=_plain)


def _plain(value: Any) -> Any:
    """The value of a column as JSON has it, to be read by PostgreSQL as that column's type."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is of no column")
