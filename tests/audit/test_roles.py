"""As the role of the processes that serve, the database lets nobody change the record."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from audit import erasing, record, seal, triggers
from audit.models import Block, Entry, Unsealed
from audit.verify import verify

pytestmark = pytest.mark.django_db
ROLE = "omni2_serving"
CHANGES = [
    "UPDATE audit_entry SET person = 'mallory'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "UPDATE audit_block SET root = 'x'",
    "DELETE FROM audit_block",
    "DROP TRIGGER {trigger} ON {table}",
    "ALTER TABLE audit_entry DISABLE TRIGGER USER",
    "ALTER TABLE audit_entry ADD COLUMN more text",
    "CREATE TRIGGER more BEFORE INSERT ON audit_entry EXECUTE FUNCTION audit_refuse_change()",
    "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN RETURN NULL; END'",
    "DELETE FROM django_migrations",
]


def run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def role(sealed: list[Entry]) -> str:
    """A second role of this server, for the length of the test's transaction."""
    name = f"{ROLE}_{connection.settings_dict['NAME']}"
    run(f"CREATE ROLE {name}")
    call_command("restrict_role", name)
    return name


@contextmanager
def become(role: str) -> Iterator[None]:
    run(f"SET LOCAL ROLE {role}")
    yield
    run("RESET ROLE")


@pytest.mark.postgres
@pytest.mark.parametrize("change", CHANGES)
def test_the_role_may_not_change_the_record_whatever_it_opens(change: str, role: str) -> None:
    trigger, table = sorted(triggers._existing().items())[0]
    statement = change.format(trigger=trigger, table=table)
    refused = pytest.raises(ProgrammingError, match="permission denied|must be owner")
    with become(role), refused, triggers.opened(triggers.EMPTY):
        run(statement)
    with triggers.opened(triggers.EMPTY):
        run(statement)


@pytest.mark.postgres
def test_the_role_writes_and_seals_as_ever(role: str) -> None:
    with become(role):
        record.write("auth.login", "ok")
        assert seal.seal_once() == 2
        assert verify().finding is None
        assert (Block.objects.count(), Unsealed.objects.count()) == (3, 0)


@pytest.mark.postgres
def test_the_role_may_not_erase(role: str, sealed: list[Entry]) -> None:
    with become(role), pytest.raises(CommandError, match="permission denied"):
        call_command("erase_audit", str(sealed[0].pk), "--reason", "r")
    assert erasing.erasable(Entry.objects.filter(erased__isnull=False)).count() == 0
    call_command("erase_audit", str(sealed[0].pk), "--reason", "r")
    assert erasing.erasable(Entry.objects.filter(erased__isnull=False)).count() == 1


@pytest.mark.postgres
def test_tables_of_later_migrations_are_the_roles_too(role: str) -> None:
    run("CREATE TABLE later (id bigint)")
    with become(role):
        run("INSERT INTO later VALUES (1)")


@pytest.mark.postgres
def test_a_role_that_nothing_binds_is_refused(role: str) -> None:
    with pytest.raises(CommandError, match="There is no role omni2_nobody"):
        call_command("restrict_role", "omni2_nobody")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        [owner] = cursor.fetchone()
    with pytest.raises(CommandError, match="nothing binds it"):
        call_command("restrict_role", owner)
    run(f'GRANT "{owner}" TO {role}')
    with pytest.raises(CommandError, match="nothing binds it"):
        call_command("restrict_role", role)


def test_sqlite_has_no_roles() -> None:
    if connection.vendor == "postgresql":
        return  # where there are
    with pytest.raises(CommandError, match="Only PostgreSQL"):
        call_command("restrict_role", "anybody")
