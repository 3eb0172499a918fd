"""One's own accounts over REST: seen with their state, let go of, never with a token."""

import pytest

from tests.gateway.connecting import connect, register

pytestmark = pytest.mark.django_db

CONNECTIONS = "/api/me/connections"


@pytest.fixture
def crm(protected, cast, client):
    client.force_login(cast.ada)
    return register(protected, display_name="Customers")


def test_the_state_of_each_is_told_with_where_it_is_connected(crm, client, client_of, cast):
    api = client_of(cast.ada)
    none = api.get(CONNECTIONS).json()
    connect(client)
    answer = api.get(CONNECTIONS)

    shown = {
        "server": "crm",
        "display_name": "Customers",
        "state": "none",
        "connected_at": None,
        "scope": "",
        "connect_url": "http://127.0.0.1:8000/connections/#crm",
    }
    assert none == [shown]
    (one,) = answer.json()
    assert one["connected_at"]
    assert one | {"connected_at": None} == shown | {"state": "connected", "scope": "notes"}
    assert set(answer["Cache-Control"].split(", ")) == {"no-store", "private"}
    assert client_of(cast.guest).get(CONNECTIONS).json() == []


def test_letting_go_takes_the_scope_admin_and_an_account_of_ones_own(crm, client, client_of, cast):
    connect(client)
    place = f"{CONNECTIONS}/crm"
    statuses = [
        client_of(cast.ada).delete(place).status_code,
        client_of(cast.dev, scopes=["admin"]).delete(place).status_code,
        client_of(cast.ada, scopes=["admin"]).delete(place).status_code,
        client_of(cast.ada, scopes=["admin"]).delete(place).status_code,
    ]
    assert statuses == [403, 404, 204, 404]


def test_a_call_without_an_account_says_where_to_connect_it(crm, client, client_of, cast):
    connect(client)
    client.post("/connections/crm/disconnect/")
    body = {"server": "crm", "tool": "get_owner", "arguments": {}}
    answer = client_of(cast.ada).post("/api/mcp/tools/call", body, format="json")

    assert answer.status_code == 403
    assert answer.json()["error"] == {
        "code": "not_connected",
        "message": "Your own account at crm is not connected yet. "
        "Connect it here: http://127.0.0.1:8000/connections/#crm",
        "server": "crm",
        "connect_url": "http://127.0.0.1:8000/connections/#crm",
    }
