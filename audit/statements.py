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
# Values of these types are what every database takes for such a field; of subclasses not.
_AS_THEY_ARE: dict[type, tuple[type, ...]] = {
    models.CharField: (str,),
    models.TextField: (str,),
    models.IntegerField: (int,),
    models.BooleanField: (bool,),
}


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
    statement, columns = _update(type(row), names)
    values = [column.value_of(row, adding=False) for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if not cursor.rowcount:
            raise DatabaseError(f"There is no {type(row)._meta.verbose_name} to change any more.")


class _Column:
    """A field as statements take its values: those that stay as they are need no conversion."""

    def __init__(self, field: Any) -> None:
        self._field, self._name = field, field.attname
        as_they_are = next(
            (types for kind, types in _AS_THEY_ARE.items() if isinstance(field, kind)), ()
        )
        of_django = type(field).__module__.startswith("django.")
        is_plain = of_django and type(field).pre_save is models.Field.pre_save
        self._types = frozenset({*as_they_are, type(None)} if is_plain else ())

    def value_of(self, row: models.Model, *, adding: bool) -> Any:
        value = row.__dict__.get(self._name, self)
        if type(value) in self._types:
            return value
        field = self._field
        return field.get_db_prep_save(field.pre_save(row, adding), connection)


class _Statement:
    """The INSERT of one model's rows, whatever their number."""

    def __init__(self, model: type[models.Model], *, has_keys: bool) -> None:
        quote, key = connection.ops.quote_name, model._meta.pk
        self._key = "" if has_keys else key.attname
        self.fields = [
            field for field in model._meta.concrete_fields if has_keys or not field.primary_key
        ]
        self._columns = [_Column(field) for field in self.fields]
        columns = ", ".join(quote(str(field.column)) for field in self.fields)
        self._head = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES "
        self._row = f"({', '.join(['%s'] * len(self.fields))})"
        self._tail = f" RETURNING {quote(str(key.column))}" if self._key else ""

    def run(self, cursor: Any, rows: Sequence[models.Model]) -> None:
        values = [column.value_of(row, adding=True) for row in rows for column in self._columns]
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
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, list[_Column]]:
    """The statement, and the fields whose values it takes: the columns', then the key's."""
    quote, meta = connection.ops.quote_name, model._meta
    fields: list[Any] = [meta.get_field(name) for name in names]
    columns = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
    where = f"{quote(str(meta.pk.column))} = %s"
    statement = f"UPDATE {quote(meta.db_table)} SET {columns} WHERE {where}"
    return statement, [_Column(field) for field in (*fields, meta.pk)]
