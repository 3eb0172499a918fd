"""Writes that wait at the same time are committed in one transaction.

To commit costs a database more than to take a row, and SQLite has one writer at a time: whoever
comes second sleeps and looks again. So those who come while somebody writes queue, and the first of
them then writes for all that wait. Each goes on when theirs is committed, and not before.

Where such a transaction fails, each write is tried alone: what is wrong with one fails that one.
Within a transaction of the caller's a write is simply part of it.
"""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
)
from django.db.models import Model

from audit import at_once
from audit.models import Entry, Unsealed
from audit.statements import insert, insert_plain, update

# In one transaction; the others wait for the next.
MOST = 64
# So many may keep their database connection while they wait.
FEW = 8
# After these nobody knows what was committed, or everybody's would fail alike: not tried again.
_OF_THE_DATABASE = (OperationalError, InterfaceError)


@dataclass(frozen=True)
class Write:
    """What one caller wants committed: entries of the record, and the rows they are about.

    Rows are `added` with their keys; of those `changed` only the named columns are written.
    """

    entries: Sequence[Entry] = ()
    added: Sequence[Model] = ()
    changed: Sequence[tuple[Model, tuple[str, ...]]] = ()


def commit(write: Write) -> None:
    """Return when it is committed. Raises what kept it from that; nothing of it is written then."""
    if connection.in_atomic_block:
        carry_out([write])
    else:
        _queue.commit(write)


def carry_out(writes: Sequence[Write]) -> None:
    """Write all of them, in the caller's transaction."""
    added = [row for write in writes for row in write.added]
    for model in dict.fromkeys(map(type, added)):
        insert([row for row in added if type(row) is model])
    for write in writes:
        for row, names in write.changed:
            update(row, names)
    entries = [entry for write in writes for entry in write.entries]
    insert(entries)
    insert_plain(Unsealed, [(entry.pk, entry.digest) for entry in entries])


@dataclass(eq=False)
class _Waiting:
    """Somebody's write, and how they are woken: when it is done, or it is theirs to write."""

    write: Write
    done: bool = False
    error: Exception | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)


class _Queue:
    """The writes of this process that wait, of which one thread at a time writes all it finds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._is_written = False

    def commit(self, write: Write) -> None:
        mine = _Waiting(write)
        mine.turn.acquire()
        with self._lock:
            self._waiting.append(mine)
            others_write, self._is_written = self._is_written, True
            are_many = len(self._waiting) > FEW
        if others_write:
            if are_many:
                # Whoever writes for all of them needs one of the connections that are shared.
                close_old_connections()
            mine.turn.acquire()
        if not mine.done:
            self._write_for_all()
        if mine.error is not None:
            raise mine.error

    def _write_for_all(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        try:
            _commit_all(batch)
        finally:
            self._wake(batch)

    def _wake(self, batch: list[_Waiting]) -> None:
        for one in batch:
            one.done = True
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._is_written = following is not None
        # Whoever writes next first: the others only have to go on.
        for one in (*([following] if following else ()), *batch):
            one.turn.release()


def _commit_all(batch: Sequence[_Waiting]) -> None:
    try:
        at_once.carry_out([one.write for one in batch])
    except _OF_THE_DATABASE as error:
        _fail(batch, error)
    except Exception as error:
        if len(batch) == 1:
            _fail(batch, error)
            return
        for one in batch:
            _commit_all([one])
    except BaseException:
        # This thread is told to end; of what became of theirs the others must not think well.
        _fail(batch, DatabaseError("The write was given up."))
        raise


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for one in batch:
        # An error of one's own: a traceback is that of one thread.
        one.error = type(error)(*error.args)
        one.error.__cause__ = error


_queue = _Queue()


def _forget() -> None:
    """In a forked process nobody waits, and a lock of the parent's may be held for ever."""
    global _queue
    _queue = _Queue()


os.register_at_fork(after_in_child=_forget)
