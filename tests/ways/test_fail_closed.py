"""Nothing fails open (T-33): what cannot be known, decided or recorded is a 503 and no call."""

from contextlib import contextmanager

import pytest
from django.db import connection

from accounts.models import ApiKey, PolicyVersion
from audit.models import Entry, Stamp
from gateway.models import Call
from registry.models import Server
from tests.elsewhere import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
BODY = {"server": "upstream", "tool": "echo", "arguments": {"text": "x"}}


def sql(statement):
    """Said by somebody else, over a connection of their own."""

    def work():
        with connection.cursor() as cursor:
            cursor.execute(statement)

    elsewhere(work)


@contextmanager
def without(table):
    """The table is not there, as for a database that has been lost half-way.

    What is kept in memory has to be read anew as well.
    """
    Stamp.objects.update(mark=Stamp.fresh())
    sql(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        yield
    finally:
        connection.close()
        sql(f"ALTER TABLE elsewhere RENAME TO {table}")


@contextmanager
def refusing_inserts(table):
    """A trigger that lets no row in, as a full disk would."""
    if connection.vendor == "postgresql":
        sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'disk full'; END $$"
        )
        action = f"BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION full_disk()"
    else:
        action = f"BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    sql(f"CREATE TRIGGER full_disk_now {action}")
    try:
        yield
    finally:
        connection.close()
        on = f" ON {table}" if connection.vendor == "postgresql" else ""
        sql(f"DROP TRIGGER full_disk_now{on}")
        if on:
            sql("DROP FUNCTION full_disk()")


def call(client):
    return client.post("/api/mcp/tools/call", BODY, format="json")


def refused_unsent(client, upstream):
    """Call once more than worked before; the answer must be a 503, and nothing sent."""
    before = len(upstream.calls)
    answer = call(client)
    assert (answer.status_code, len(upstream.calls)) == (503, before)
    return answer.json()["error"]["code"]


# Which tables are read or written after the person is known, and what the caller is then told.
LOST = {
    "accounts_policyversion": "policy_unavailable",
    "registry_tool": "unavailable",
    "audit_stamp": "unavailable",
    "audit_entry": "unavailable",
    "audit_unsealed": "unavailable",
    "gateway_call": "unavailable",
    "accounts_user": "unavailable",
}


@pytest.mark.parametrize("table", LOST)
def test_a_database_lost_between_two_looks_is_a_503(cast, upstream, client_of, table):
    client = client_of(cast.dev)
    assert call(client).status_code == 200, "the test could not fail"

    with without(table):
        assert refused_unsent(client, upstream) == LOST[table]


@pytest.mark.parametrize("table", ["audit_entry", "audit_unsealed", "gateway_call"])
def test_what_cannot_be_written_down_is_not_called(cast, upstream, client_of, table):
    client = client_of(cast.dev)
    assert call(client).status_code == 200, "the test could not fail"
    entries, calls = Entry.objects.count(), Call.objects.count()

    with refusing_inserts(table):
        assert refused_unsent(client, upstream) == "unavailable"

    assert (Entry.objects.count(), Call.objects.count()) == (entries, calls)


@pytest.mark.parametrize("broken", [{"tags": 5}, {"argument_defaults": 5}])
def test_an_engine_that_raises_allows_nothing(cast, upstream, client_of, broken):
    client = client_of(cast.dev)
    Server.objects.update(**broken)

    assert refused_unsent(client, upstream) == "unavailable"


def test_a_policy_that_was_tampered_with_is_a_503(cast, upstream, client_of):
    client = client_of(cast.dev)
    PolicyVersion.objects.update(digest="0" * 64)

    assert refused_unsent(client, upstream) == "policy_unavailable"


def test_a_connection_that_was_cut_is_no_yes(cast, upstream, client_of):
    """The server closes it; whatever comes next is a new connection that asks again."""
    client = client_of(cast.dev)
    assert call(client).status_code == 200
    ApiKey.objects.all().delete()
    connection.close()

    assert call(client).status_code == 401
    assert len(upstream.calls) == 1
