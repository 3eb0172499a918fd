"""Statements that are asked at every call answer as any other."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError

from audit import prepared
from audit.models import Stamp

MARK = "SELECT mark FROM audit_stamp WHERE name = %s ORDER BY slot"
KNOWN = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%audit_stamp%'"


def test_it_sees_what_the_transaction_it_is_in_has_done(db: None) -> None:
    Stamp.objects.create(name="of the test", slot=0, mark="first")
    assert prepared.rows(MARK, ["of the test"]) == [("first",)]
    Stamp.objects.filter(name="of the test").update(mark="second")
    assert prepared.rows(MARK, ["of the test"]) == [("second",)]
    assert prepared.rows(MARK, ["nobody's"]) == []


def test_errors_are_those_of_the_database(db: None) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        prepared.rows("SELECT 1 FROM there_is_no_such_table")


def test_a_percent_sign_is_one(db: None) -> None:
    assert prepared.rows("SELECT '%s'") == [("%s",)]
    assert prepared.rows("SELECT '%%s', %s", ["x"]) == [("%s", "x")]


def test_in_a_transaction_that_is_broken_nothing_is_asked(transactional_db: None) -> None:
    with pytest.raises(TransactionManagementError), transaction.atomic():
        transaction.set_rollback(True)
        prepared.rows(MARK, ["accounts"])


def test_whoever_watches_statements_sees_it(db: None) -> None:
    seen: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        prepared.rows(MARK, ["accounts"])
    assert seen == [MARK]


@pytest.mark.postgres
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="nothing is kept elsewhere")
@pytest.mark.parametrize(("pooled", "kept"), [(False, 1), (True, 0)])
def test_it_is_prepared_once_but_never_behind_a_pooler(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, pooled: bool, kept: int
) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", pooled)
    connection.ensure_connection()
    connection.connection.execute("DEALLOCATE ALL")
    connection.connection._prepared.clear()
    for _ in range(3):
        prepared.rows(MARK, ["accounts"])
    with connection.cursor() as cursor:
        cursor.execute(KNOWN)
        assert cursor.fetchone() == (kept,)
