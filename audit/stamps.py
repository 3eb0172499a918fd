"""Which tables have changed: marks that the database itself renews with every change.

What is read at every call and changes seldom (people, the policy, tools) may be kept in a process
for as long as the mark it was read under stands; `Kept` does that, for the price of one look at the
marks. A trigger renews a mark in the transaction of the change, whoever makes it and however. Marks
are random, so that no two states of the tables share one, not even after a rollback.

An app says in its `ready` which tables it wants watched; `install` runs after each migration.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from weakref import WeakSet

from django.apps import apps
from django.db import connection

from audit.looks import PREFIX, look
from audit.models import Stamp

log = logging.getLogger(__name__)
Value = TypeVar("Value")

# Transactions of different connections renew different rows, so that none waits for another.
SLOTS = 32
_POSTGRES_FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_renew_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_stamp (name, slot, mark)
    VALUES (TG_ARGV[0], pg_backend_pid() % {SLOTS}, gen_random_uuid()::text)
    ON CONFLICT (name, slot) DO UPDATE SET mark = EXCLUDED.mark;
    RETURN NULL;
END $$
"""
# Not an upsert: a trigger inherits the OR IGNORE of the statement that fires it.
_SQLITE_ACTION = "UPDATE audit_stamp SET mark = lower(hex(randomblob(16))) WHERE name = '{name}';"


@dataclass(frozen=True)
class _Watched:
    """A table whose changes renew the mark `name`, except changes of the columns in `but`.

    With `new`, a column and a value, only rows that come with it do.
    """

    name: str
    model: str
    but: tuple[str, ...] = ()
    new: tuple[str, str] | None = None


@dataclass(frozen=True)
class _Trigger:
    """A trigger as it should be; its name says so, for a digest of its text is part of it."""

    table: str
    columns: frozenset[str]
    event: str
    template: str

    @property
    def name(self) -> str:
        digest = hashlib.sha256(self.template.encode()).hexdigest()[:8]
        return f"{PREFIX}{self.table}_{self.event}_{digest}"[:63]

    @property
    def sql(self) -> str:
        return self.template.replace("{trigger}", self.name)


_watched: list[_Watched] = []
_in_use: "WeakSet[Kept]" = WeakSet()


def watch(name: str, model: str, *, but: tuple[str, ...] = ()) -> None:
    """Have the mark `name` renewed by every change of the model's table but of these columns."""
    _add(_Watched(name, model, but))


def watch_new(name: str, model: str, *, column: str, value: str) -> None:
    """Have the mark `name` renewed by every row that is added with that value in the column."""
    _add(_Watched(name, model, new=(column, value)))


def _add(wanted: _Watched) -> None:
    if wanted not in _watched:
        _watched.append(wanted)


def install() -> None:
    """Make the triggers that are missing, drop those that are out of date. Twice is as once.

    Where not everything has been migrated, or some of it back, triggers come with their tables and
    columns; until then nothing is kept.
    """
    tables = connection.introspection.table_names()
    if Stamp._meta.db_table not in tables:
        return
    wanted = {trigger.name: trigger for trigger in _triggers() if trigger.table in tables}
    there = dict(_existing())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_FUNCTION)
        for name, table in there.items():
            if name not in wanted:
                on = f' ON "{table}"' if connection.vendor == "postgresql" else ""
                cursor.execute(f'DROP TRIGGER "{name}"{on}')
        missing = [wanted[name] for name in wanted.keys() - there.keys()]
        for trigger in missing:
            if trigger.columns <= _columns_of(trigger.table):
                cursor.execute(trigger.sql)
    for name in {watched.name for watched in _watched}:
        if missing:
            Stamp.objects.filter(name=name).delete()
        Stamp.objects.get_or_create(name=name, slot=0, defaults={"mark": Stamp.fresh()})


def _columns_of(table: str) -> set[str]:
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, table)
    return {column.name for column in described}


def installed() -> bool:
    """Whether every trigger is there: without one, a change would go unnoticed."""
    working = {name for name, _ in _existing(only_working=True)}
    return {trigger.name for trigger in _triggers()} <= working


def _existing(*, only_working: bool = False) -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
                " WHERE NOT tgisinternal AND pg_table_is_visible(tgrelid)"
                + (" AND tgenabled IN ('O', 'A')" if only_working else "")
            )
        else:
            cursor.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'")
        yield from ((name, table) for name, table in cursor if name.startswith(PREFIX))


def _triggers() -> Iterator[_Trigger]:
    for watched in _watched:
        meta = apps.get_model(watched.model)._meta
        if watched.new:
            yield _of_new_rows(watched.name, meta.db_table, *watched.new)
            continue
        watching = [one.column for one in meta.concrete_fields if one.attname not in watched.but]
        needed, columns = frozenset(watching), ", ".join(f'"{column}"' for column in watching)
        table = meta.db_table
        if connection.vendor == "postgresql":
            yield _Trigger(
                table,
                needed,
                "any",
                f'CREATE TRIGGER "{{trigger}}" AFTER INSERT OR DELETE OR TRUNCATE'
                f' OR UPDATE OF {columns} ON "{table}"'
                f" FOR EACH STATEMENT EXECUTE FUNCTION audit_renew_stamp('{watched.name}')",
            )
            continue
        action = _SQLITE_ACTION.replace("{name}", watched.name)
        for event in ("INSERT", "DELETE", f"UPDATE OF {columns}"):
            yield _Trigger(
                table,
                needed,
                event.split()[0].lower(),
                f'CREATE TRIGGER "{{trigger}}" AFTER {event} ON "{table}" BEGIN {action} END',
            )


def _of_new_rows(name: str, table: str, column: str, value: str) -> _Trigger:
    action = f"BEGIN {_SQLITE_ACTION.replace('{name}', name)} END"
    if connection.vendor == "postgresql":
        action = f"EXECUTE FUNCTION audit_renew_stamp('{name}')"
    return _Trigger(
        table,
        frozenset([column]),
        "new",
        f'CREATE TRIGGER "{{trigger}}" AFTER INSERT ON "{table}" FOR EACH ROW'
        f" WHEN (NEW.\"{column}\" = '{value}') {action}",
    )


def in_use() -> list["Kept"]:
    """Whatever keeps values in this process and says of what, in the order of what they are of."""
    return sorted((kept for kept in list(_in_use) if kept.of), key=lambda kept: kept.of)


def renew() -> None:
    """Renew every mark, as if all tables had changed: all that is kept is dropped everywhere.

    Each process does so at its next look, this one's included.
    """
    for name in {watched.name for watched in _watched}:
        Stamp.objects.filter(name=name, slot=0).update(mark=Stamp.fresh())


class Kept:
    """Values worked out from the tables of some marks, kept until one of the marks is renewed.

    `of` says of what, to whoever asks what this process keeps.

    What it hands out is shared by all threads: nobody changes it.
    """

    def __init__(self, *names: str, size: int = 20_000, of: str = "") -> None:
        self.of = of
        self._names = sorted(names)
        self._size = size
        self._lock = threading.Lock()
        self._mark: tuple[Any, ...] = ()
        self._values: dict[Hashable, object] = {}
        _in_use.add(self)

    @property
    def size(self) -> int:
        """How many values there may be at most."""
        return self._size

    def __len__(self) -> int:
        """How many values are kept, those counted in that the next look will find out of date."""
        return len(self._values)

    def get(self, key: Hashable, work_out: Callable[[], Value]) -> Value:
        """The value of `key`, worked out when it is not known or the tables have changed since.

        None is not kept: whoever asks for what is not there must not fill the memory.
        """
        mark = marks(*self._names)
        if mark is None:
            return work_out()
        with self._lock:
            if mark != self._mark:
                self._mark, self._values = mark, {}
            # Read before the value is: one that comes late goes where nobody looks any more.
            values = self._values
        # In one step: another thread may empty it at any moment.
        found = values.get(key)
        if found is not None:
            return cast(Value, found)
        value = work_out()
        if value is not None:
            if len(values) >= self._size:
                values.clear()
            values[key] = value
        return value


def marks(*names: str) -> tuple[Any, ...] | None:
    """The marks of these names now, others than before when a table has changed.

    None when they cannot be relied on.
    """
    seen = look()
    if seen.triggers != _Installation.seen and not _Installation.look(seen.triggers):
        return None
    of = seen.marks
    try:
        return (seen.triggers, *[of[name] for name in names])
    except KeyError:
        return None


class _Installation:
    """In which state of the triggers this process has seen that all of them are there."""

    seen: Any = None
    has_warned = False

    @classmethod
    def look(cls, triggers: Any) -> bool:
        """Whether all are there now; what was seen last is not asked again."""
        is_whole = installed()
        cls.seen = triggers if is_whole else None
        if not is_whole and not cls.has_warned:
            cls.has_warned = True
            log.warning("triggers are missing, so nothing is kept in memory: run manage.py migrate")
        return is_whole
