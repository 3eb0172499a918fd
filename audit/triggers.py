"""The database itself refuses to change or remove what is on the record, whoever asks.

Triggers on entries, blocks and what is left of pruned ones, made after each migration (SQLite makes
a table anew to alter it, and its triggers go with the old one). Erasing and pruning go through
`opened`, which says for one transaction what may be done. On PostgreSQL that is a setting of the
transaction; on SQLite a function that only a connection of OMNI2 has, so that any other program is
refused outright.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local
from typing import Any

from django.db import connection, transaction

PREFIX = "record_"
SETTING = "omni2.record"
TABLES = ("audit_entry", "audit_block", "audit_pruned")
# What may be done to which table by which way; `empty` is for tests alone.
ERASE, PRUNE, EMPTY = "erase", "prune", "empty"
_WAYS = {
    ("audit_entry", "UPDATE"): (ERASE, EMPTY),
    ("audit_entry", "DELETE"): (PRUNE, EMPTY),
}

# The row that one with the same key would take the place of.
_SAME_ROW = {
    "audit_entry": "id = NEW.id",
    "audit_block": "number = NEW.number OR digest = NEW.digest",
    "audit_pruned": "id = NEW.id OR (block = NEW.block AND entry = NEW.entry)",
}

_POSTGRES_FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('{SETTING}', true), '') = ANY (TG_ARGV) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'rows of % are only ever added: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
_opened = local()


@dataclass(frozen=True)
class _Trigger:
    """A trigger as it should be; a digest of its text is part of its name."""

    table: str
    event: str
    text: str

    @property
    def name(self) -> str:
        digest = hashlib.sha256((self.text + _POSTGRES_FUNCTION).encode()).hexdigest()[:8]
        return f"{PREFIX}{self.table}_{self.event.lower()}_{digest}"

    @property
    def sql(self) -> str:
        return f'CREATE TRIGGER "{self.name}" {self.text}'


def install() -> None:
    """Make the triggers that are missing, drop those that are out of date. Twice is as once."""
    there, wanted = _existing(), {trigger.name: trigger for trigger in _triggers()}
    if there.keys() == wanted.keys():
        return
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_FUNCTION)
        for name in there.keys() - wanted.keys():
            on = f' ON "{there[name]}"' if connection.vendor == "postgresql" else ""
            cursor.execute(f'DROP TRIGGER "{name}"{on}')
        for name in sorted(wanted.keys() - there.keys()):
            if wanted[name].table in tables:
                cursor.execute(wanted[name].sql)


def missing() -> list[str]:
    """The tables that a trigger is missing from, or switched off."""
    working = _existing(only_working=True)
    return sorted({one.table for one in _triggers() if one.name not in working})


@contextmanager
def opened(way: str) -> Iterator[None]:
    """Let this thread do what `way` says, in one transaction, and nothing of it afterwards."""
    with transaction.atomic():
        _open(way)
        try:
            yield
        finally:
            # PostgreSQL takes the setting back with the transaction where that has failed.
            if not connection.needs_rollback and not _is_broken():
                _open("")
            _opened.way = ""


def prepare(*, connection: Any, **_: Any) -> None:
    """Give a new connection to SQLite the function that its triggers ask."""
    if connection.vendor == "sqlite":
        ask = connection.connection.create_function
        ask("omni2_record_way", 0, lambda: getattr(_opened, "way", ""))


def _open(way: str) -> None:
    _opened.way = way
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, way])


def _is_broken() -> bool:
    """Whether PostgreSQL will hear no more of this transaction but that it is rolled back."""
    if connection.vendor != "postgresql" or connection.connection is None:
        return False
    return connection.connection.info.transaction_status.name == "INERROR"


def _existing(*, only_working: bool = False) -> dict[str, str]:
    """The triggers that are there, and the table of each."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
                f" WHERE NOT tgisinternal AND tgname LIKE '{PREFIX}%%'"
                " AND pg_table_is_visible(tgrelid)"
                + (" AND tgenabled IN ('O', 'A')" if only_working else "")
            )
        else:
            cursor.execute(
                "SELECT name, tbl_name FROM sqlite_master"
                f" WHERE type = 'trigger' AND name LIKE '{PREFIX}%%'"
            )
        return dict(cursor.fetchall())


def _triggers() -> Iterator[_Trigger]:
    make = _on_postgres if connection.vendor == "postgresql" else _on_sqlite
    for table in TABLES:
        yield from make(table)


def _ways(table: str, event: str) -> str:
    return ", ".join(f"'{way}'" for way in _WAYS.get((table, event), (EMPTY,)))


def _on_postgres(table: str) -> Iterator[_Trigger]:
    for event in ("UPDATE", "DELETE", "TRUNCATE"):
        action = f"EXECUTE FUNCTION audit_refuse_change({_ways(table, event)})"
        yield _Trigger(table, event, f'BEFORE {event} ON "{table}" FOR EACH STATEMENT {action}')


def _on_sqlite(table: str) -> Iterator[_Trigger]:
    refuse = "BEGIN SELECT RAISE(ABORT, 'rows of {0} are only ever added: {1} is refused'); END"
    for event in ("UPDATE", "DELETE"):
        closed = f"WHEN omni2_record_way() NOT IN ({_ways(table, event)})"
        text = f'BEFORE {event} ON "{table}" {closed} {refuse.format(table, event)}'
        yield _Trigger(table, event, text)
    # INSERT OR REPLACE takes a row away without asking the trigger of DELETE.
    same = f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {_SAME_ROW[table]})'
    text = f'BEFORE INSERT ON "{table}" {same} {refuse.format(table, "REPLACE")}'
    yield _Trigger(table, "REPLACE", text)
