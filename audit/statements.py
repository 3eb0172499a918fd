"""Rows added and changed by statements that are put together once.

A governed call adds five rows before it is answered and changes one. Statements that are composed
anew each time, as `bulk_create` and `save` do, would take most of the time that OMNI2 itself needs
for the call.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import DatabaseError, connection, models

# SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535.
MOST_PARAMETERS = 30_000


def insert(rows: Sequence[models.Model]) -> None:
    """Add rows of one model, in the caller's transaction; those without a key get one.

    Either all have a key or none. Sends no signals. Raises what `bulk_create` raises.
    """
    if not rows:
        return
    statement = _statement(type(rows[0]), rows[0].pk is not None)
    size = MOST_PARAMETERS // len(statement.fields)
    with connection.cursor() as cursor:
        for start in range(0, len(rows), size):
            statement.run(cursor, rows[start : start + size])


def update(row: models.Model, names: tuple[str, ...]) -> None:
    """Write these columns of a stored row, as `save(update_fields=…)` does, without signals.

    Raises DatabaseError where there is no such row any more.
    """
    statement, fields = _update(type(row), names)
    values = [field.get_db_prep_save(field.pre_save(row, False), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if not cursor.rowcount:
            raise DatabaseError(f"There is no {type(row)._meta.verbose_name} to change any more.")


class _Statement:
    """The INSERT of one model's rows, whatever their number."""

    def __init__(self, model: type[models.Model], *, has_keys: bool) -> None:
        quote, key = connection.ops.quote_name, model._meta.pk
        self._key = "" if has_keys else key.attname
        self.fields = [
            field for field in model._meta.concrete_fields if has_keys or not field.primary_key
        ]
        columns = ", ".join(quote(str(field.column)) for field in self.fields)
        self._head = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES "
        self._row = f"({', '.join(['%s'] * len(self.fields))})"
        self._tail = f" RETURNING {quote(str(key.column))}" if self._key else ""

    def run(self, cursor: Any, rows: Sequence[models.Model]) -> None:
        values = [
            field.get_db_prep_save(field.pre_save(row, True), connection)
            for row in rows
            for field in self.fields
        ]
        cursor.execute(self._head + ", ".join([self._row] * len(rows)) + self._tail, values)
        keys = [key for (key,) in cursor.fetchall()] if self._key else []
        for row, key in zip(rows, keys, strict=bool(keys)):
            setattr(row, self._key, key)
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias


@cache
def _statement(model: type[models.Model], has_keys: bool) -> _Statement:
    return _Statement(model, has_keys=has_keys)


@cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, list[Any]]:
    """The statement, and the fields whose values it takes: the columns', then the key's."""
    quote, meta = connection.ops.quote_name, model._meta
    fields: list[Any] = [meta.get_field(name) for name in names]
    columns = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
    where = f"{quote(str(meta.pk.column))} = %s"
    statement = f"UPDATE {quote(meta.db_table)} SET {columns} WHERE {where}"
    return statement, [*fields, meta.pk]
