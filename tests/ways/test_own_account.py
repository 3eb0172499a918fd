"""Where each person has an account of their own: from the page to the call, and never mixed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from accounts import access
from accounts.models import Rule
from audit.models import Entry
from gateway.llm.scripted import ScriptedModel, says, uses
from registry.models import Server
from tests.gateway.connecting import connect, register
from tests.ways.asking import asked, results_read

pytestmark = pytest.mark.django_db(transaction=True)

CONNECT = "http://127.0.0.1:8000/connections/#crm"


@pytest.fixture
def crm(protected, cast) -> Server:
    Rule.objects.create(kind="role", server="crm", role="developer", mode="allow_all")
    access.publish("tests")
    return register(protected)


@pytest.fixture
def connected(crm, cast, protected):
    """Ada and Dev, each with their own account there."""
    for user in (cast.ada, cast.dev):
        protected.authority.person = user.email
        browser = Client()
        browser.force_login(user)
        connect(browser)
    return crm


def owner(client) -> str:
    body = {"server": "crm", "tool": "get_owner", "arguments": {}}
    return client.post("/api/mcp/tools/call", body, format="json").json()["text"]


def test_of_many_calls_at_once_each_is_made_in_its_own_persons_name(
    connected, cast, client_of, protected
):
    clients = [client_of(user) for user in (cast.ada, cast.dev)] * 12

    def call(client) -> str:
        try:
            return owner(client)
        finally:
            connection.close()

    protected.upstream.requests.clear()
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(call, clients))

    assert said == [cast.ada.email, cast.dev.email] * 12
    called = [headers for _, rpc, headers in protected.upstream.requests if rpc == "tools/call"]
    assert len(called) == 24
    tokens = {headers["authorization"].removeprefix("Bearer ") for headers in called}
    assert {protected.authority.tokens[token] for token in tokens} == {
        cast.ada.email,
        cast.dev.email,
    }


def test_a_question_is_answered_from_the_askers_own_account(connected, cast):
    for user in (cast.ada, cast.dev):
        model = ScriptedModel([uses(("crm__get_owner", {})), says("done")])
        asked(cast, user, "whose is it?", model)
        assert [text.splitlines()[1] for text, _ in results_read(model)] == [user.email]


def test_somebody_without_an_account_learns_of_the_way_from_model_and_page(connected, cast, client):
    client.force_login(cast.dev)
    client.post("/connections/crm/disconnect/")
    model = ScriptedModel([uses(("crm__get_owner", {})), says("connect it first")])

    question = asked(cast, cast.dev, "whose is it?", model)

    said = f"Your own account at crm is not connected yet. Connect it here: {CONNECT}"
    assert results_read(model) == [(said, True)]
    (shown,) = client.get(f"/api/query/{question.pk}").json()["calls"]
    assert (shown["state"], shown["preview"], shown["connect_url"]) == ("failed", said, CONNECT)
    entry = Entry.objects.get(kind="call.refused")
    assert (entry.person, entry.server, entry.error_code) == (
        cast.dev.email,
        "crm",
        "not_connected",
    )


def test_nobody_gets_anothers_account_by_losing_their_own(connected, cast, client_of, protected):
    protected.authority.tokens.clear()
    protected.authority.refreshing.clear()
    body = {"server": "crm", "tool": "get_owner", "arguments": {}}
    answers = [
        client_of(user).post("/api/mcp/tools/call", body, format="json").json()["error"]["code"]
        for user in (cast.ada, cast.dev)
    ]
    assert answers == ["not_connected", "not_connected"]
    assert protected.upstream.calls == []
