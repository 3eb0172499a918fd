"""What PostgreSQL makes of the one statement that writes for several."""

import pytest
from django.db import connection

from accounts.models import Role
from audit import record
from audit.at_once import postgresql
from audit.together import Write

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="a statement of PostgreSQL"),
]


def test_rows_to_change_are_found_by_their_key() -> None:
    Role.objects.bulk_create(Role(name=f"role {n}") for n in range(5000))
    statement = postgresql._statement((), ((Role, ("display_name",), postgresql._about(7)),))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_role")
        cursor.execute(f"EXPLAIN {statement}", ["[]", "[]", 7])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using accounts_role_pkey" in plan
    assert "Seq Scan on accounts_role" not in plan


def test_it_is_one_statement_that_commits_by_itself() -> None:
    connection.ensure_connection()
    before = connection.connection.info.transaction_status.name
    postgresql.carry_out([Write([record.prepare("call.called", "ok")])])
    assert (before, connection.connection.info.transaction_status.name) == ("IDLE", "IDLE")
