"""What several writers want committed, as one statement of SQLite.

All rows go into one temporary view, and its triggers put each into the table it is of. The view is
the connection's own and made when that first needs it: the file of the database has none of it.
All threads of a process write over one connection: as soon as another one has written, a connection
of SQLite's reads anew whatever it looks at, some fifty pages for each entry.

At each statement a thread gives up its turn, and the others of its process go on until it gets it
back; between BEGIN and COMMIT all who want to write would wait for that.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    IntegrityError,
    OperationalError,
    connection,
    connections,
)
from django.db.models import Model

from audit import prepared
from audit.models import Entry, Unsealed
from audit.statements import GONE, MOST_PARAMETERS, Columns, columns_to_add, columns_to_change

if TYPE_CHECKING:
    from audit.together import Write

PREFIX = "audit_write_"


@dataclass(frozen=True)
class _Kind:
    """Rows of one model that are added, or changed in some columns; `number` says so in the view.

    `body` is what the trigger does with such a row, whose values are those of `columns` in turn.
    """

    number: int
    columns: Columns
    body: str


class _Kinds:
    """The kinds of rows there have been, in order; each view is for the first so many of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_what: dict[tuple[type[Model], tuple[str, ...]], _Kind] = {}
        self.all: tuple[_Kind, ...] = ()

    def of(self, model: type[Model], changed: tuple[str, ...] = ()) -> _Kind:
        """Rows to add, or to change where it says in which columns."""
        return self._by_what.get((model, changed)) or self._new(model, changed)

    def _new(self, model: type[Model], changed: tuple[str, ...]) -> _Kind:
        with self._lock:
            made = self._by_what.get((model, changed))
            if made is None:
                made = _kind(len(self.all), model, changed)
                self.all = (*self.all, made)
                self._by_what[model, changed] = made
            return made


def _kind(number: int, model: type[Model], changed: tuple[str, ...]) -> _Kind:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    if changed:
        columns = columns_to_change(model, changed)
        *pairs, key = (f"{quote(name)} = NEW.c{n}" for n, name in enumerate(columns.names))
        body = (
            f"UPDATE {table} SET {', '.join(pairs)} WHERE {key};"
            f" SELECT RAISE(ABORT, '{GONE}') WHERE changes() = 0;"
        )
        return _Kind(number, columns, body)
    columns = columns_to_add(model, has_keys=model is not Entry)
    names = ", ".join(map(quote, columns.names))
    values = ", ".join(f"NEW.c{n}" for n in range(len(columns.names)))
    body = f"INSERT INTO {table} ({names}) VALUES ({values});"
    if model is Entry:
        digest = f"NEW.c{columns.names.index('digest')}"
        waiting = quote(Unsealed._meta.db_table)
        body += f" INSERT INTO {waiting} (entry, digest) VALUES (last_insert_rowid(), {digest});"
    return _Kind(number, columns, body)


_kinds = _Kinds()


def carry_out(writes: Sequence["Write"]) -> None:
    """Write all of them and commit it, outside of any transaction; or nothing of any."""
    rows = [(_kinds.of(type(row)), row) for write in writes for row in write.added]
    rows += [(_kinds.of(type(row), names), row) for write in writes for row, names in write.changed]
    rows += [(_kinds.of(Entry), entry) for write in writes for entry in write.entries]
    view = _view(len(_kinds.all))
    with writer.connection() as own:
        if len(rows) <= view.most:
            _run(own, view, rows)
            return
        with _all_or_nothing(own, "audit_rows"):
            for start in range(0, len(rows), view.most):
                _run(own, view, rows[start : start + view.most])


def _run(own: Any, view: "_View", rows: Sequence[tuple[_Kind, Model]]) -> None:
    statement, values = view.statement(len(rows)), view.values(rows)
    try:
        try:
            prepared.rows_over(own, statement, values)
        except OperationalError as error:
            if str(error) != f"no such table: {view.name}":
                raise
            view.make(own)
            prepared.rows_over(own, statement, values)
    except IntegrityError as error:
        if str(error) == GONE:
            raise DatabaseError(GONE) from None
        raise


class _View:
    """Takes rows of the first so many kinds: of each its kind's number, then what it says.

    `most` is how many there may be in one statement.
    """

    def __init__(self, kinds: Sequence[_Kind]) -> None:
        self.name = f"{PREFIX}{len(kinds)}"
        self._kinds = kinds
        self._padding = (None,) * max(len(kind.columns.names) for kind in kinds)
        width = len(self._padding) + 1
        self._row = f"({', '.join(['%s'] * width)})"
        self.most = MOST_PARAMETERS // width

    def statement(self, number: int) -> str:
        """The statement for so many rows."""
        return f"INSERT INTO {self.name} VALUES {', '.join([self._row] * number)}"

    def values(self, rows: Sequence[tuple[_Kind, Model]]) -> list[Any]:
        """Its parameters for these."""
        values: list[Any] = []
        for kind, row in rows:
            own = kind.columns.values_of(row)
            values += (kind.number, *own, *self._padding[len(own) :])
        return values

    def make(self, own: Any) -> None:
        """Make it, with its triggers, for this connection."""
        names = ", ".join(f"NULL AS c{n}" for n in range(len(self._padding)))
        # Of a row whose trigger is missing nothing would be written, and nobody told.
        with _all_or_nothing(own, "audit_view"):
            prepared.rows_over(own, f"CREATE TEMP VIEW {self.name} AS SELECT NULL AS kind, {names}")
            for kind in self._kinds:
                prepared.rows_over(
                    own,
                    f"CREATE TEMP TRIGGER {self.name}_{kind.number} INSTEAD OF INSERT"
                    f" ON {self.name} WHEN NEW.kind = {kind.number} BEGIN {kind.body} END",
                )


@cache
def _view(number: int) -> _View:
    return _View(_kinds.all[:number])


# --- The connection -------------------------------------------------------------------------------
@contextmanager
def _all_or_nothing(own: Any, name: str) -> Iterator[None]:
    """A transaction of that connection's, or a part of one: Django's are for a thread's own."""
    prepared.rows_over(own, f"SAVEPOINT {name}")
    try:
        yield
        prepared.rows_over(own, f"RELEASE {name}")
    except BaseException:
        # With it ends what was begun over it.
        own.close()
        raise


class _Writer:
    """The connection over which this process writes, one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: Any = None
        self._database = ""

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """It, open and in order, for as long as the block lasts."""
        with self._lock:
            database = connection.settings_dict["NAME"]
            if self._own is None or self._database != database:
                self._let_go()
                self._own = connections.create_connection(DEFAULT_DB_ALIAS)
                self._own.inc_thread_sharing()
                self._database = database
            self._own.close_if_unusable_or_obsolete()
            try:
                yield self._own
            except IntegrityError:
                raise
            except BaseException:
                # What it knows of the tables may be wrong, for as long as it lasts.
                self._let_go()
                raise

    def close(self) -> None:
        """Close it; the next who writes opens it anew."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None


writer = _Writer()


def _forget() -> None:
    """In a forked process: it is the parent's, and not even to be closed here."""
    global writer
    _of_parents.append(writer)
    writer = _Writer()


_of_parents: list[_Writer] = []
os.register_at_fork(after_in_child=_forget)
