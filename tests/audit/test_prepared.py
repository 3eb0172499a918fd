"""Statements that are asked at every call answer as any other."""

import pytest
from django.db import DatabaseError, connection, transaction

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
