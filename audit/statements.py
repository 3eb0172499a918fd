"""Rows added and changed by statements that are put together once.

A governed call adds five rows before it is answered and changes one. Statements that are composed
anew each time, as `bulk_create` and `save` do, would take most of the time that OMNI2 itself needs
for the call.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import DatabaseError, connection, models

# SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535.
MOST_PARAMETERS = 30_000
# Said by statements that change rows of many kinds, where one is missing.
GONE = "There is no such row to change any more."
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
    keys = _run(statement, [statement.columns.values_of(row) for row in rows])
    for row, key in zip(rows, keys, strict=bool(keys)):
        setattr(row, statement.key, key)
    mark_stored(rows)


def mark_stored(rows: Iterable[models.Model]) -> None:
    """Have rows that were added know it, as `save` does."""
    alias = connection.alias
    for row in rows:
        row._state.adding, row._state.db = False, alias


def insert_plain(model: type[models.Model], rows: Sequence[Sequence[Any]]) -> None:
    """Add rows given as the values of all columns, the key's too, as the database takes them."""
    if rows:
        _run(_statement(model, True), rows)


def update(row: models.Model, names: tuple[str, ...]) -> None:
    """Write these columns of a stored row, as `save(update_fields=…)` does, without signals.

    Raises DatabaseError where there is no such row any more.
    """
    statement, columns = _update(type(row), names)
    with connection.cursor() as cursor:
        cursor.execute(statement, columns.values_of(row))
        if not cursor.rowcount:
            raise DatabaseError(f"There is no {type(row)._meta.verbose_name} to change any more.")


def _run(statement: "_Statement", rows: Sequence[Sequence[Any]]) -> list[Any]:
    """The keys the rows got, where they had none."""
    size = MOST_PARAMETERS // statement.width
    keys: list[Any] = []
    with connection.cursor() as cursor:
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            cursor.execute(statement.of(len(some)), [value for row in some for value in row])
            if statement.key:
                keys += [key for (key,) in cursor.fetchall()]
    return keys


class Columns:
    """Fields as statements take their values: those that stay as they are need no conversion.

    `names` are their columns'. The values are those of rows that are added, or only changed.
    """

    def __init__(self, fields: Iterable[Any], *, adding: bool) -> None:
        self._fields = [(field.attname, _plain_types(field), field) for field in fields]
        self._adding = adding
        self.names = [str(field.column) for _, _, field in self._fields]

    def values_of(self, row: models.Model) -> list[Any]:
        held, absent = row.__dict__, self
        values = []
        for name, plain, field in self._fields:
            value = held.get(name, absent)
            if type(value) not in plain:
                value = field.get_db_prep_save(field.pre_save(row, self._adding), connection)
            values.append(value)
        return values


def _plain_types(field: Any) -> frozenset[type]:
    """The types of which every value is what the database takes for the field."""
    found = next((types for kind, types in _AS_THEY_ARE.items() if isinstance(field, kind)), ())
    of_django = type(field).__module__.startswith("django.")
    is_plain = of_django and type(field).pre_save is models.Field.pre_save
    return frozenset({*found, type(None)} if is_plain else ())


def columns_to_add(model: type[models.Model], *, has_keys: bool) -> Columns:
    """What a new row says of itself; its key too, where it brings one."""
    fields = model._meta.concrete_fields
    return Columns((one for one in fields if has_keys or not one.primary_key), adding=True)


def columns_to_change(model: type[models.Model], names: tuple[str, ...]) -> Columns:
    """Those of that name, then the key."""
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    return Columns((*fields, model._meta.pk), adding=False)


class _Statement:
    """The INSERT of one model's rows, whatever their number; `key` is the one it asks for."""

    def __init__(self, model: type[models.Model], *, has_keys: bool) -> None:
        quote, key = connection.ops.quote_name, model._meta.pk
        self.key = "" if has_keys else key.attname
        self.columns = columns_to_add(model, has_keys=has_keys)
        self.width = len(self.columns.names)
        columns = ", ".join(map(quote, self.columns.names))
        self._head = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES "
        self._row = f"({', '.join(['%s'] * self.width)})"
        self._tail = f" RETURNING {quote(str(key.column))}" if self.key else ""

    def of(self, number: int) -> str:
        """The statement for so many rows."""
        return self._head + ", ".join([self._row] * number) + self._tail


@cache
def _statement(model: type[models.Model], has_keys: bool) -> _Statement:
    return _Statement(model, has_keys=has_keys)


@cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, Columns]:
    """The statement, and the fields whose values it takes: the columns', then the key's."""
    quote, columns = connection.ops.quote_name, columns_to_change(model, names)
    *changed, key = (f"{quote(name)} = %s" for name in columns.names)
    statement = f"UPDATE {quote(model._meta.db_table)} SET {', '.join(changed)} WHERE {key}"
    return statement, columns
