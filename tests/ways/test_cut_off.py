"""The database goes away in the middle of a call (T-33): a proxy before it cuts the connection."""

import pytest
from django.db import connection

from audit import stamps
from audit.models import Entry
from gateway import lost
from gateway.models import Call
from tests.fakes import cutting_proxy

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="the database is a file"),
]
BODY = {"server": "upstream", "tool": "echo", "arguments": {"text": "x"}}
# Where a call is cut off, and what must not have happened by then. The last three are of one
# statement, which commits itself.
BEFORE_THE_CALL = {
    "before the person is known": [b"accounts_apikey"],
    "between the person and the policy": [b"accounts_policyversion"],
    "between the policy and the tool": [b"registry_tool"],
    "before the journal": [b'INSERT INTO "gateway_call"'],
    "before the entry": [b'INSERT INTO "audit_entry"'],
    "before the seal's queue": [b'INSERT INTO "audit_unsealed"'],
}


@pytest.fixture
def proxy(upstream):
    """This thread's database, through the proxy from here on."""
    here = connection.settings_dict
    with cutting_proxy.serve((here["HOST"], int(here["PORT"] or 5432))) as running:
        direct = here.copy()
        # Without a pool, which would try for a while to get its connections back.
        reconnect(here, HOST="127.0.0.1", PORT=running.port, OPTIONS={})
        yield running
        reconnect(here, **direct)


def reconnect(settings, **changes):
    connection.close()
    connection.close_pool()
    settings.update(changes)


def call(client):
    return client.post("/api/mcp/tools/call", BODY, format="json")


def test_a_database_that_goes_away_before_the_call_is_a_503_and_no_call(
    cast, upstream, client_of, proxy
):
    client = client_of(cast.dev)
    assert call(client).status_code == 200, "the test could not fail"
    found = {}
    for moment, words in BEFORE_THE_CALL.items():
        stamps.renew()
        proxy.cut_at(*words)
        found[moment] = (call(client).status_code, proxy.is_cut)
        proxy.mend()
        connection.close()

    assert found == dict.fromkeys(BEFORE_THE_CALL, (503, True))
    assert len(upstream.calls) == 1
    assert (Call.objects.count(), Entry.objects.filter(kind="call.calling").count()) == (1, 1)


def test_a_call_whose_end_cannot_be_written_is_an_unknown_outcome_and_never_made_again(
    cast, upstream, client_of, proxy
):
    client = client_of(cast.dev)
    proxy.cut_at(b'UPDATE "gateway_call"')

    answer = call(client)

    assert (answer.status_code, len(upstream.calls)) == (503, 1)
    proxy.mend()
    connection.close()
    row = Call.objects.get()
    assert row.state == Call.State.STARTED
    lost.settle_lost(row, cast.asker(cast.dev))
    assert (Call.objects.get().state, len(upstream.calls)) == (Call.State.UNKNOWN, 1)
