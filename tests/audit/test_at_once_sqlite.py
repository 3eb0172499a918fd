"""The view through which SQLite takes what several want written, in one statement."""

from collections.abc import Iterator
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

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a statement of SQLite"),
]


def views() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM temp.sqlite_schema WHERE type = 'view'")
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """What SQLite was asked to do, whoever asked it."""
    asked: list[str] = []
    connection.ensure_connection()
    connection.connection.set_trace_callback(asked.append)
    yield asked
    connection.connection.set_trace_callback(None)


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
    assert not connection.connection.in_transaction
    assert Role.objects.filter(display_name="changed 2").count() == 1
    assert Entry.objects.count() == Unsealed.objects.count() == 6


def test_a_connection_makes_its_view_when_it_first_needs_it() -> None:
    connection.close()
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


def test_a_kind_of_row_that_comes_later_is_written_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_kinds", sqlite._Kinds())
    monkeypatch.setattr(sqlite, "PREFIX", "audit_write_later_")
    sqlite._view.cache_clear()
    at_once.carry_out([Write([entry(1)])])
    at_once.carry_out([Write([entry(2)], added=[Role(pk=10, name="later")])])
    at_once.carry_out([Write([entry(3)])])
    sqlite._view.cache_clear()
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
    assert (statements[0], statements[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
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


def test_a_table_can_be_made_anew_once_they_are_let_go_and_not_before() -> None:
    def make_anew() -> None:
        # As Django's migrations do.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE anew AS SELECT * FROM audit_unsealed")
            cursor.execute("DROP TABLE audit_unsealed")
            cursor.execute("ALTER TABLE anew RENAME TO audit_unsealed")
            transaction.set_rollback(True)

    at_once.carry_out([Write([entry(1)])])
    with pytest.raises(OperationalError, match="audit_write_"):
        make_anew()
    at_once.forget()
    make_anew()
    at_once.carry_out([Write([entry(2)])])
    assert Entry.objects.count() == Unsealed.objects.count() == 2
