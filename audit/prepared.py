"""Statements that are asked at every call: PostgreSQL parses and plans them once a connection.

Where a pooler between us and the database hands connections on after each transaction, nothing can
be prepared: whoever sets Django's DISABLE_SERVER_SIDE_CURSORS says so.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection


def rows(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of the statement, in the caller's transaction or one of its own."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found
    return _prepared(statement, parameters)


def _prepared(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    import psycopg  # noqa: PLC0415  not there to be loaded where the database is SQLite

    may_prepare = not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS", False)
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters or None, prepare=may_prepare)
        return cursor.fetchall()
