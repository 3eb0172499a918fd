"""What is taken away between two steps of one question is gone at the second (T-05).

Whoever changes it, and however: nothing that is kept in memory may allow what the tables no longer
say.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.models import ApiKey, Role, User
from audit import stamps
from audit.record import Who
from gateway import ask, calls, errors, work
from gateway.asker import Asker
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Door
from registry.models import Server, Tool
from tests.elsewhere import elsewhere
from tests.ways.asking import Parked

pytestmark = pytest.mark.django_db(transaction=True)
ECHO = ("upstream__echo", {"text": "x"})


def asked_with(cast, change):
    """Dev asks with a key; the model calls twice, and the change happens between the two."""
    key = ApiKey.issue(cast.dev, "laptop")[0]
    steps = iter([lambda: uses(ECHO), lambda: (change(), uses(ECHO))[1], lambda: says("done")])
    asker = Asker(cast.dev, Who(person=cast.dev.email, door=Door.REST, api_key=key.prefix))
    question = ask.ask("echo twice", asker=asker, door=Door.REST, task=Parked())
    work.run(question.pk, model=ScriptedModel(lambda _messages: next(steps)()))
    return [call.state for call in question.calls.order_by("created_at")]


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def role_taken():
    User.objects.filter(email="dev@example.com").update(role=None)


def key_revoked():
    ApiKey.objects.get().revoke()


def server_disabled():
    Server.objects.update(enabled=False)


def tool_set_aside():
    Tool.objects.filter(name="echo").update(state=Tool.State.QUARANTINED)


def key_deleted_by_sql():
    sql("DELETE FROM accounts_apikey")


def suspended_in_bulk():
    people = list(User.objects.all())
    for person in people:
        person.status = User.Status.SUSPENDED
    User.objects.bulk_update(people, ["status"])


def role_deleted():
    Role.objects.filter(name="developer").delete()


def over_another_connection():
    elsewhere(role_taken)


def in_a_transaction_after_one_that_was_rolled_back():
    with transaction.atomic():
        User.objects.update(status=User.Status.SUSPENDED)
        transaction.set_rollback(True)
    with transaction.atomic():
        role_taken()


@pytest.mark.parametrize(
    "change",
    [
        role_taken,
        key_revoked,
        server_disabled,
        tool_set_aside,
        key_deleted_by_sql,
        suspended_in_bulk,
        role_deleted,
        over_another_connection,
        in_a_transaction_after_one_that_was_rolled_back,
    ],
)
def test_the_second_step_is_denied(cast, upstream, change):
    assert asked_with(cast, change) == ["done", "refused"]
    assert upstream.calls == [("echo", {"text": "x"})]


def test_without_a_change_the_second_step_goes_through(cast, upstream):
    assert asked_with(cast, lambda: None) == ["done", "done"]


ANOTHER_PROCESS = """
import sys
kind, place, statement = sys.argv[1:]
if kind == "sqlite":
    import sqlite3
    database = sqlite3.connect(place, timeout=10)
else:
    import psycopg
    database = psycopg.connect(place)
database.execute(statement)
database.commit()
"""


def test_another_process_that_is_not_ours_is_noticed(cast, upstream):
    def change():
        place = str(connection.settings_dict["NAME"])
        if connection.vendor == "postgresql":
            wanted = connection.get_connection_params()
            place = " ".join(
                f"{name}={wanted[name]}" for name in ("dbname", "user", "host", "port")
            )
        statement = "UPDATE accounts_user SET is_active = FALSE"
        command = [sys.executable, "-c", ANOTHER_PROCESS, connection.vendor, place, statement]
        subprocess.run(command, check=True)

    assert asked_with(cast, change) == ["done", "refused"]


@pytest.mark.postgres  # on SQLite the call would wait for the change to end
def test_a_change_counts_for_others_from_its_commit_on_and_not_before(cast, upstream):
    def called():
        try:
            arguments = {"text": "x"}
            wish = calls.Wish(cast.asker(cast.dev), Door.CLI, "upstream", "echo", arguments)
            return calls.call(wish).state
        except errors.Refused as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        seen = [pool.submit(called).result(20)]
        with transaction.atomic():
            role_taken()
            seen.append(pool.submit(called).result(20))
        seen.append(pool.submit(called).result(20))

    assert seen == ["done", "done", "refused"]


def lose_triggers():
    """What a migration does that makes the table anew and then dies."""
    for name, table in list(stamps._existing()):
        if table == "accounts_user":
            on = f' ON "{table}"' if connection.vendor == "postgresql" else ""
            sql(f'DROP TRIGGER "{name}"{on}')


def test_a_process_that_runs_while_triggers_are_lost_keeps_nothing(cast, upstream):
    def change():
        lose_triggers()
        role_taken()

    try:
        assert asked_with(cast, change) == ["done", "refused"]
    finally:
        stamps.install()
    assert stamps.installed()


@pytest.mark.postgres  # SQLite cannot switch a trigger off
def test_triggers_that_were_off_for_a_moment_are_noticed(cast, upstream):
    def change():
        sql("ALTER TABLE accounts_user DISABLE TRIGGER USER")
        role_taken()
        sql("ALTER TABLE accounts_user ENABLE TRIGGER USER")

    assert asked_with(cast, change) == ["done", "refused"]
