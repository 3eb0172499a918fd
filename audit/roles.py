"""A database role for the processes that serve people: it can add to the record and not change it.

Triggers keep the record from everybody; from this role PostgreSQL itself does, and the role cannot
drop a trigger either. Tables stay with their owner, who migrates, erases and prunes.
"""

from typing import Any

from django.db import connection
from psycopg import sql

from audit.errors import RoleError

KEPT = ("audit_entry", "audit_block", "audit_pruned")
_ASKED = """
SELECT rolsuper, pg_has_role(oid, current_user, 'MEMBER'), rolname = current_user
FROM pg_roles WHERE rolname = %s
"""


def restrict(role: str) -> None:
    """Let a role use every table of this database, but only add to and read entries and blocks.

    Tables that later migrations make come with the same rights. Twice is as once. Raises RoleError
    where the role would not be bound by that.
    """
    if connection.vendor != "postgresql":
        raise RoleError("Only PostgreSQL has roles; on SQLite the triggers stand alone.")
    with connection.cursor() as cursor:
        _refuse_unbound(role, cursor)
        for statement in _statements(role):
            cursor.execute(statement)


def _refuse_unbound(role: str, cursor: Any) -> None:
    cursor.execute(_ASKED, [role])
    found = cursor.fetchone()
    if found is None:
        raise RoleError(f"There is no role {role}: CREATE ROLE {role} LOGIN PASSWORD '…' first.")
    if any(found):
        raise RoleError(
            f"{role} is a superuser, or is or may become the owner of the tables: nothing binds it."
        )


def _statements(role: str) -> list[sql.Composed]:
    schema, name = sql.Identifier("public"), sql.Identifier(role)
    kept = sql.SQL(", ").join(map(sql.Identifier, KEPT))
    migrations = sql.Identifier("django_migrations")
    texts = (
        "GRANT USAGE ON SCHEMA {schema} TO {name}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {name}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}"
        " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {name}",
        "REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {kept} FROM {name}, PUBLIC",
        "REVOKE INSERT ON audit_pruned FROM {name}",
        "REVOKE INSERT, UPDATE, DELETE ON {migrations} FROM {name}",
    )
    return [
        sql.SQL(text).format(schema=schema, name=name, kept=kept, migrations=migrations)
        for text in texts
    ]
