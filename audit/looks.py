"""A look at the marks of `audit.stamps`: each costs a query, so one decision takes one."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection

from audit import prepared

# What the names of the triggers that renew marks begin with.
PREFIX = "stamp_"
# The marks, and in one look the state of the triggers themselves: a table that is made anew on
# SQLite, or a column dropped on PostgreSQL, takes its triggers along, while others go on working.
_LOOK = {
    "sqlite": "SELECT name, slot, mark FROM audit_stamp"
    " UNION ALL SELECT '', schema_version, '' FROM pragma_schema_version ORDER BY 1, 2",
    "postgresql": "SELECT name, slot::bigint, mark FROM audit_stamp"
    " UNION ALL SELECT '', sum(hashtext(concat(oid, tgenabled, xmin))), '' FROM pg_trigger"
    f" WHERE tgname LIKE '{PREFIX}%' ORDER BY 1, 2",
}
# What the block of `one_look` has seen, empty before its first look; None outside of one.
_looked: ContextVar[list[tuple[Any, ...]] | None] = ContextVar("audit_looked", default=None)


@contextmanager
def one_look(*, last: bool = False) -> Iterator[None]:
    """Have all that is asked for in the block judged by one look at the marks, taken at the first.

    For what makes up one decision, nothing of which changes a table or waits for anybody. What is
    committed after the look counts at the next one. A block within another shares its look; the
    `last` one to do so ends it for both.
    """
    outer = _looked.get()
    if outer is not None and not last:
        yield
        return
    token = _looked.set([] if outer is None else outer)
    try:
        yield
    finally:
        _looked.reset(token)
        if outer is not None:
            _looked.set(None)


def look_again() -> None:
    """After a wait within a block: what was seen before it is not gone by any more."""
    looked = _looked.get()
    if looked is not None:
        looked.clear()


def look() -> list[tuple[Any, ...]]:
    """The state of the triggers, then all marks: now, or as the block that we are in saw them."""
    looked = _looked.get()
    if looked:
        return looked
    rows = prepared.rows(_LOOK[connection.vendor])
    if looked is not None:
        looked.extend(rows)
    return rows
