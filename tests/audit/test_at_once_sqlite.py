"""The view through which SQLite takes what several want written, in one statement."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models.signals import pre_migrate

from accounts.models import Role
from audit import at_once
from audit.at_once import sqlite
from audit.models import Entry, Unsealed
from audit.together import Write
from tests.audit.conftest import entry
from tests.elsewhere import elsewhere

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a statement of SQLite"),
]


def views() -> list[str]:
    with sqlite.writer.connection() as own, own.cursor() as cursor:
        cursor.execute("SELECT name FROM temp.sqlite_schema WHERE type = 'view'")
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """What SQLite was asked to do, whoever asked it."""
    asked: list[str] = []
    with sqlite.writer.connection() as own:
        own.ensure_connection()
        own.connection.set_trace_callback(asked.append)
    yield asked
    sqlite.writer.close()


def test_it_is_one_statement_that_commits_by_itself(statements: list[str]) -> None:
    role = Role.objects.create(name="one")

    def writes(number: int) -> list[Write]:
        role.display_name = f"changed {number}"
        added = Role(pk=role.pk + number, name=f"role {number}")
        return [
            Write([entry(number)], added=[added]),
            Write([entry(), entry()], changed=[(role, ("display_name",))]),
        ]

    at_once.carry_out(writes(1))
    statements.clear()
    at_once.carry_out(writes(2))

    assert statements[0].startswith("INSERT INTO audit_write_")
    assert not any(one.startswith(("BEGIN", "COMMIT", "SAVEPOINT")) for one in statements)
    with sqlite.writer.connection() as own:
        assert not own.connection.in_transaction
    assert Role.objects.filter(display_name="changed 2").count() == 1
    assert Entry.objects.count() == Unsealed.objects.count() == 6


def test_a_connection_makes_its_view_when_it_first_needs_it() -> None:
    sqlite.writer.close()
    assert views() == []
    at_once.carry_out([Write([entry(1)])])
    made = views()
    assert len(made) == 1
    at_once.carry_out([Write([entry(2)])])
    assert views() == made
    assert Entry.objects.count() == 2
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_schema WHERE name LIKE 'audit\\_write%' ESCAPE '\\'"
        )
        assert cursor.fetchall() == []


@pytest.fixture
def no_kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As before anything has been written."""
    monkeypatch.setattr(sqlite, "_kinds", sqlite._Kinds())
    sqlite._view.cache_clear()
    sqlite.writer.close()
    yield
    sqlite._view.cache_clear()
    sqlite.writer.close()


def test_a_kind_of_row_that_comes_later_is_written_too(no_kinds: None) -> None:
    at_once.carry_out([Write([entry(1)])])
    at_once.carry_out([Write([entry(2)], added=[Role(pk=10, name="later")])])
    at_once.carry_out([Write([entry(3)])])
    assert Entry.objects.count() == Unsealed.objects.count() == 3
    assert Role.objects.filter(name="later").exists()


def test_more_rows_than_a_statement_takes_are_written_all_or_none(
    monkeypatch: pytest.MonkeyPatch, statements: list[str]
) -> None:
    at_once.carry_out([Write([entry()])])
    view = sqlite._view(len(sqlite._kinds.all))
    asked_for: list[int] = []
    statement = view.statement
    monkeypatch.setattr(view, "most", 2)
    monkeypatch.setattr(view, "statement", lambda n: asked_for.append(n) or statement(n))
    statements.clear()
    at_once.carry_out([Write([entry(n) for n in range(1, 6)])])
    assert asked_for == [2, 2, 1]
    assert (statements[0], statements[-1]) == ("SAVEPOINT audit_rows", "RELEASE audit_rows")
    assert Entry.objects.count() == Unsealed.objects.count() == 6

    taken = Role.objects.create(name="taken")
    with pytest.raises(IntegrityError):
        roles = [Role(pk=taken.pk + n, name=name) for n, name in enumerate("abc", start=1)]
        at_once.carry_out([Write(added=[*roles, Role(pk=taken.pk + 9, name="taken")])])
    assert list(Role.objects.values_list("name", flat=True)) == ["taken"]


def test_whatever_else_the_database_says_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once.carry_out([Write([entry(1)])])
    view = sqlite._view(len(sqlite._kinds.all))
    monkeypatch.setattr(view, "_row", view._row.replace("%s)", "no_such_column)"))
    with pytest.raises(OperationalError, match="no_such_column"):
        at_once.carry_out([Write([entry(2)])])
    assert Entry.objects.count() == 1


def test_before_migrations_the_views_are_let_go() -> None:
    at_once.carry_out([Write([entry(1)])])
    assert views() != []
    seen: list[Any] = []
    pre_migrate.connect(lambda **_: seen.append(views()), weak=False, dispatch_uid="test")
    try:
        call_command("migrate", verbosity=0)
    finally:
        pre_migrate.disconnect(dispatch_uid="test")
    assert seen[-1] == []
    at_once.carry_out([Write([entry(2)])])
    assert Entry.objects.count() == 2


def test_whatever_it_holds_a_table_can_be_made_anew() -> None:
    at_once.carry_out([Write([entry(1)])])
    # As Django's migrations do.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE anew AS SELECT * FROM audit_unsealed")
        cursor.execute("DROP TABLE audit_unsealed")
        cursor.execute("ALTER TABLE anew RENAME TO audit_unsealed")
        transaction.set_rollback(True)
    at_once.carry_out([Write([entry(2)])])
    assert Entry.objects.count() == Unsealed.objects.count() == 2


def test_a_view_is_made_with_all_its_triggers_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_once.carry_out([Write([entry(1)], added=[Role(pk=10, name="one")])])
    sqlite.writer.close()
    view = sqlite._view(len(sqlite._kinds.all))
    *others, last = view._kinds
    with monkeypatch.context() as patched:
        patched.setattr(view, "_kinds", [*others, replace(last, body="no statement;")])
        with pytest.raises(OperationalError, match="syntax error"):
            at_once.carry_out([Write([entry(2)])])
    assert views() == []
    at_once.carry_out([Write([entry(3)], added=[Role(pk=11, name="two")])])
    assert Entry.objects.count() == Unsealed.objects.count() == Role.objects.count() == 2


def test_all_threads_write_over_one_connection(statements: list[str]) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(at_once.carry_out, [Write([entry(n)])]) for n in range(8)]
    assert [one.result() for one in done] == [None] * 8
    # Triggers repeat the statement that set them off.
    assert len({one for one in statements if one.startswith("INSERT INTO audit_write_")}) == 8
    assert Entry.objects.count() == Unsealed.objects.count() == 8


def test_another_database_is_written_over_another_connection(
    no_kinds: None, shared_database: None, tmp_path: Path
) -> None:
    at_once.carry_out([Write([entry(1)])])
    with sqlite.writer.connection() as own:
        assert own.settings_dict["NAME"] == str(tmp_path / "record.sqlite3")
    assert Entry.objects.count() == 1


def test_a_forked_process_leaves_its_parents_alone() -> None:
    at_once.carry_out([Write([entry(1)])])
    before = sqlite.writer
    connection.close()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            at_once.carry_out([Write([entry(2)])])
            status = 0 if sqlite.writer is not before else 2
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    at_once.carry_out([Write([entry(3)])])
    assert Entry.objects.count() == Unsealed.objects.count() == 3


def test_what_was_lost_and_is_there_again_is_written_to_as_before() -> None:
    def rename(old: str, new: str) -> None:
        def do() -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

        elsewhere(do)

    at_once.carry_out([Write([entry(1)])])
    rename("audit_unsealed", "lost")
    try:
        with pytest.raises(OperationalError, match="no such table"):
            at_once.carry_out([Write([entry(2)])])
    finally:
        rename("lost", "audit_unsealed")
    at_once.carry_out([Write([entry(3)])])
    assert Entry.objects.count() == Unsealed.objects.count() == 2
