"""The database refuses to change the record, whoever is connected to it and however they try."""

import sqlite3
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit import triggers
from audit.models import Block, Entry
from audit.verify import verify

pytestmark = pytest.mark.django_db

CHANGES = {
    "edit an entry": "UPDATE audit_entry SET person = 'mallory'",
    "edit no entry": "UPDATE audit_entry SET person = 'mallory' WHERE id = -1",
    "delete an entry": "DELETE FROM audit_entry WHERE id > 0",
    "edit a block": "UPDATE audit_block SET root = 'x'",
    "delete a block": "DELETE FROM audit_block WHERE number = 2",
}
AS_ONE_STATEMENT = "edit no entry"
REPLACES = {
    "entry": "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry ORDER BY id LIMIT 1",
    "block": "INSERT OR REPLACE INTO audit_block SELECT * FROM audit_block",
}


def run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def everything() -> list[object]:
    return [*Entry.objects.order_by("id").values(), *Block.objects.values_list("number", "digest")]


@pytest.mark.parametrize("change", sorted(CHANGES.keys() - {AS_ONE_STATEMENT}))
def test_a_change_is_refused(change: str, sealed: list[Entry], raw: Callable[..., None]) -> None:
    before = everything()
    with pytest.raises(IntegrityError, match="are only ever added"):
        run(CHANGES[change])
    assert everything() == before
    raw(CHANGES[change])
    assert verify().finding, "it would have done no harm"


@pytest.mark.postgres  # SQLite has triggers for rows alone
def test_what_goes_to_a_whole_table_is_refused(sealed: list[Entry]) -> None:
    for statement in (CHANGES[AS_ONE_STATEMENT], "TRUNCATE audit_entry", "TRUNCATE audit_block"):
        with pytest.raises(IntegrityError, match="are only ever added"):
            run(statement)
    assert len(sealed) == Entry.objects.count()


@pytest.mark.parametrize("table", sorted(REPLACES))
def test_a_row_is_not_replaced(table: str, sealed: list[Entry]) -> None:
    if connection.vendor == "postgresql":
        return  # where there is no REPLACE
    with pytest.raises(IntegrityError, match="REPLACE is refused"):
        run(REPLACES[table])
    run(f'DROP TRIGGER "{next(name for name in triggers._existing() if f"{table}_repl" in name)}"')
    run(REPLACES[table])


@pytest.mark.parametrize(
    ("way", "may"),
    [
        (triggers.ERASE, {"edit an entry", "edit no entry"}),
        (triggers.PRUNE, {"delete an entry"}),
        (triggers.EMPTY, CHANGES.keys()),
    ],
)
def test_each_way_opens_its_own_door_alone(way: str, may: set[str], sealed: list[Entry]) -> None:
    done = set()
    for change, sql in CHANGES.items():
        try:
            with transaction.atomic(), triggers.opened(way):
                run(sql)
                done.add(change)
                transaction.set_rollback(True)
        except IntegrityError:
            pass
    assert done - {AS_ONE_STATEMENT} == set(may) - {AS_ONE_STATEMENT}


def test_the_door_is_shut_behind_whoever_went_through(sealed: list[Entry]) -> None:
    with transaction.atomic():
        with triggers.opened(triggers.ERASE):
            run(CHANGES["edit an entry"])
        with pytest.raises(IntegrityError):
            run(CHANGES["edit an entry"])


def test_the_door_is_shut_also_when_what_was_begun_fails(sealed: list[Entry]) -> None:
    with pytest.raises(DatabaseError), triggers.opened(triggers.ERASE):
        run("SELECT nothing FROM nowhere")
    with pytest.raises(IntegrityError):
        run(CHANGES["edit an entry"])


def test_another_program_is_refused(shared_database: None) -> None:
    if connection.vendor == "postgresql":
        return  # where a trigger needs nothing that only we have
    triggers.install()
    other = sqlite3.connect(connection.settings_dict["NAME"])
    with pytest.raises(sqlite3.OperationalError, match="no such function"):
        other.execute(CHANGES["edit an entry"])
    other.close()


def test_a_missing_trigger_is_named_and_made_again(sealed: list[Entry]) -> None:
    assert triggers.missing() == []
    name, table = sorted(triggers._existing().items())[0]
    on = f' ON "{table}"' if connection.vendor == "postgresql" else ""
    run(f'DROP TRIGGER "{name}"{on}')
    assert triggers.missing() == [table]
    call_command("migrate", verbosity=0)
    assert triggers.missing() == []


@pytest.mark.postgres  # SQLite cannot switch a trigger off
def test_a_trigger_switched_off_is_named(sealed: list[Entry]) -> None:
    run("ALTER TABLE audit_block DISABLE TRIGGER USER")
    assert triggers.missing() == ["audit_block"]
    run("ALTER TABLE audit_block ENABLE TRIGGER USER")
