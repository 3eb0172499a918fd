"""Statements that are asked at every call: they are parsed and planned once a connection.

Python's SQLite module keeps the last ones by itself; PostgreSQL is told to.

Where a pooler between us and the database hands connections on after each transaction, nothing can
be prepared: whoever sets Django's DISABLE_SERVER_SIDE_CURSORS says so.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections


def rows(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of the statement, in the caller's transaction or one of its own."""
    # `django.db.connection` would look the thread's own one up at each use.
    return rows_over(connections[DEFAULT_DB_ALIAS], statement, parameters)


def rows_over(own: Any, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The same over that connection, which Django made."""
    if own.vendor == "sqlite" and not (own.queries_logged or own.execute_wrappers):
        return _rows_of_sqlite(own, statement, parameters)
    with _cursor(own) as cursor:
        cursor.execute(statement, parameters or None)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _rows_of_sqlite(own: Any, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """As a cursor of Django's would, which takes longer than SQLite does."""
    own.ensure_connection()
    own.validate_no_broken_transaction()
    with own.wrap_database_errors:
        cursor = own.connection.execute(
            _with_marks(statement) if parameters else statement, parameters
        )
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


@lru_cache(maxsize=128)
def _with_marks(statement: str) -> str:
    return re.sub(r"(?<!%)%s", "?", statement).replace("%%", "%")


def _cursor(own: Any) -> Any:
    if own.vendor != "postgresql":
        return own.cursor()
    own.ensure_connection()
    if own.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS", False):
        return own.cursor()
    # Django's log of statements has no text of one that was prepared before.
    if own.queries_logged:
        return own.cursor()
    with own.wrap_database_errors:
        return own.make_cursor(_preparing()(own.connection))


@cache
def _preparing() -> Any:
    import psycopg  # noqa: PLC0415  not there to be loaded where the database is SQLite

    class Preparing(psycopg.Cursor[Any]):
        """Has PostgreSQL prepare what it executes."""

        def execute(self, query: Any, params: Any = None) -> Any:  # type: ignore[override]
            return super().execute(query, params, prepare=True)

    return Preparing
