"""A look at the marks of `audit.stamps`: each costs a query, so one decision takes one."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection

from audit import prepared

# What the names of the triggers that renew marks begin with.
PREFIX = "stamp_"
# The marks, and in one look the state of the triggers themselves: a table that is made anew on
# SQLite, or a column dropped on PostgreSQL, takes its triggers along, while others go on working.
# All of it in one text: each row more would be one more time that a thread gives up its turn.
_LOOK = {
    "sqlite": "SELECT json_array((SELECT schema_version FROM pragma_schema_version), json("
    "(SELECT json_group_array(json_array(name, slot, mark))"
    " FROM (SELECT name, slot, mark FROM audit_stamp ORDER BY name, slot))))",
    "postgresql": "SELECT json_build_array((SELECT sum(hashtext(concat(oid, tgenabled, xmin)))"
    f" FROM pg_trigger WHERE tgname LIKE '{PREFIX}%'), (SELECT"
    " json_agg(json_build_array(name, slot, mark) ORDER BY name, slot) FROM audit_stamp))::text",
}


class Look(NamedTuple):
    """What was seen: the state of the triggers, and of each name its marks by slot."""

    triggers: Any
    marks: Mapping[str, tuple[Any, ...]]


class _Block:
    """A block of `one_look`, and what it has seen; nothing before its first look."""

    seen: Look | None = None


_block: ContextVar[_Block | None] = ContextVar("audit_look", default=None)


@contextmanager
def one_look(*, last: bool = False) -> Iterator[None]:
    """Have all that is asked for in the block judged by one look at the marks, taken at the first.

    For what makes up one decision, nothing of which changes a table or waits for anybody. What is
    committed after the look counts at the next one. A block within another shares its look; the
    `last` one to do so ends it for both.
    """
    outer = _block.get()
    if outer is not None and not last:
        yield
        return
    token = _block.set(outer or _Block())
    try:
        yield
    finally:
        _block.reset(token)
        if outer is not None:
            _block.set(None)


def look_again() -> None:
    """After a wait within a block: what was seen before it is not gone by any more."""
    block = _block.get()
    if block is not None:
        block.seen = None


def look() -> Look:
    """The state of the triggers and all marks: now, or as the block that we are in saw them."""
    block = _block.get()
    if block is not None and block.seen is not None:
        return block.seen
    [(text,)] = prepared.rows(_LOOK[connection.vendor])
    seen = _read(text)
    if block is not None:
        block.seen = seen
    return seen


@lru_cache(maxsize=2)
def _read(text: str) -> Look:
    triggers, rows = json.loads(text)
    marks: dict[str, tuple[Any, ...]] = {}
    for name, slot, mark in rows or ():
        marks[name] = (*marks.get(name, ()), slot, mark)
    return Look(triggers, marks)
