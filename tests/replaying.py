"""Rows that many tests begin with: made by the product once, then put back as they were."""

import re
from collections.abc import Callable
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models

_CHANGES = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')


class Replayed:
    """What `make` writes into empty tables of these models, at the price of an insert for each.

    The first time, and where there are rows already, `make` itself is called.
    """

    def __init__(self, make: Callable[[], object], *kinds: type[models.Model]) -> None:
        self._make = make
        self._kinds = kinds
        looks = (f'EXISTS (SELECT 1 FROM "{kind._meta.db_table}")' for kind in kinds)
        self._look = f"SELECT {' OR '.join(looks)}"
        self._rows: list[list[models.Model]] = []
        self._statements: list[tuple[str, Any]] = []

    def put(self) -> None:
        """Have the rows in the database."""
        with connection.cursor() as cursor:
            cursor.execute(self._look)
            [occupied] = cursor.fetchone()
            for statement in () if occupied else self._statements:
                cursor.execute(*statement)
        if occupied:
            self._make()
        elif not self._rows:
            self._make_and_keep()
        elif not self._statements:
            self._statements = _said_by(self._insert)

    def _make_and_keep(self) -> None:
        written = {table for sql, _ in _said_by(self._make) for table in _CHANGES.findall(sql)}
        assert written == {kind._meta.db_table for kind in self._kinds}
        self._rows = [list(kind._base_manager.order_by("pk")) for kind in self._kinds]

    def _insert(self) -> None:
        for kind, rows in zip(self._kinds, self._rows, strict=True):
            kind._base_manager.bulk_create(rows)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), list(self._kinds)):
                cursor.execute(statement)


def _said_by(work: Callable[[], object]) -> list[tuple[str, Any]]:
    """What was said to the database meanwhile, save for savepoints and questions."""
    said: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        if _CHANGES.match(sql) or "setval(" in sql:
            said.append((sql, params))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(note):
        work()
    return said
