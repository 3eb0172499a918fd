"""Rows that many tests begin with: made by the product once, then put back as they were."""

import re
from collections.abc import Callable
from copy import copy
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
        self._rows: list[list[models.Model]] = []

    def put(self) -> None:
        """Have the rows in the database."""
        if any(kind._base_manager.exists() for kind in self._kinds):
            self._make()
        elif self._rows:
            self._insert()
        else:
            self._make_and_keep()

    def _insert(self) -> None:
        for kind, rows in zip(self._kinds, self._rows, strict=True):
            kind._base_manager.bulk_create([copy(row) for row in rows])
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), list(self._kinds)):
                cursor.execute(statement)

    def _make_and_keep(self) -> None:
        written: set[str] = set()

        def note(execute: Any, sql: str, *rest: Any) -> Any:
            written.update(_CHANGES.findall(sql))
            return execute(sql, *rest)

        with connection.execute_wrapper(note):
            self._make()
        assert written == {kind._meta.db_table for kind in self._kinds}
        self._rows = [list(kind._base_manager.order_by("pk")) for kind in self._kinds]
