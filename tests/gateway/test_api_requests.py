"""Requests for access over REST: who may call what, and what comes back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AccessRequest, ServerGrant

PATH = "/api/access/requests"
WANTED = {"server": "upstream", "tools": ["write_note"], "reason": "To take notes."}


@pytest.fixture
def dev(upstream, cast, client_of):
    return client_of(cast.dev)


@pytest.fixture
def ada(cast, client_of):
    return client_of(cast.ada, scopes=["tools", "admin"])


def post(client, path, body=None):
    answer = client.post(path, body or {}, format="json")
    return answer.status_code, answer.json()


@pytest.fixture
def number(dev):
    return post(dev, PATH, WANTED)[1]["id"]


def test_what_was_asked_for_comes_back(dev):
    status, made = post(dev, PATH, WANTED)
    assert status == 201
    assert made.pop("created_at")
    assert made == WANTED | {
        "id": AccessRequest.objects.get().pk,
        "person": "dev@example.com",
        "state": "open",
        "decided_by": "",
        "decided_at": None,
        "answer": "",
        "until": None,
    }


def test_one_sees_ones_own_and_what_one_may_decide(dev, ada, cast, client_of, number):
    lists = [client.get(PATH).json() for client in (dev, ada, client_of(cast.guest))]
    ids = [{name: [row["id"] for row in rows] for name, rows in one.items()} for one in lists]
    assert ids == [
        {"mine": [number], "to_decide": []},
        {"mine": [], "to_decide": [number]},
        {"mine": [], "to_decide": []},
    ]
    assert dev.get(PATH, {"state": "refused"}).json()["mine"] == []
    assert dev.get(PATH, {"state": "odd"}).json()["error"]["field"] == "state"


def test_an_administrator_grants_until_a_day(ada, number):
    until = (timezone.now() + timedelta(days=3)).replace(microsecond=0)
    body = {"decision": "grant", "until": until.isoformat(), "answer": "Fine."}
    status, decided = post(ada, f"{PATH}/{number}/decide", body)
    assert (status, decided["state"], decided["decided_by"], decided["answer"]) == (
        200, "granted", "ada@example.com", "Fine.",
    )  # fmt: skip
    assert ServerGrant.objects.get().expires_at == until


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "decision"),
        ({"decision": "perhaps"}, "decision"),
        ({"decision": "refuse"}, "answer"),
        ({"decision": "grant", "until": "soon"}, "until"),
        ({"decision": "grant", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"decision": "grant", "until": "2999-01-01T00:00:00Z"}, "until"),
        ({"decision": "grant", "by": "ada@example.com"}, "by"),
    ],
)
def test_a_wrong_decision_is_told_with_its_field(ada, number, body, field):
    status, told = post(ada, f"{PATH}/{number}/decide", body)
    assert (status, told["error"]["field"]) == (400, field)
    assert AccessRequest.objects.get().state == "open"


def test_who_may_not_decide_does_not(dev, ada, cast, client_of, number):
    """A key without the scope; who asked; somebody else, to whom there is no such request."""
    decide, body = f"{PATH}/{number}/decide", {"decision": "grant"}
    asked = [
        client_of(cast.ada),
        client_of(cast.dev, scopes=["admin"]),
        client_of(cast.guest, scopes=["admin"]),
    ]
    answers = [post(client, decide, body) for client in asked]
    assert [(status, told["error"]["code"]) for status, told in answers] == [
        (403, "scope"),
        (403, "not_allowed"),
        (404, "not_found"),
    ]
    assert ServerGrant.objects.count() == 0
    assert post(ada, decide, body)[0] == 200
    assert post(ada, decide, body)[1]["error"] == {
        "code": "conflict",
        "message": "This request is no longer open: Granted.",
    }


def test_who_asked_withdraws_and_nobody_else(dev, ada, cast, client_of, number):
    withdraw = f"{PATH}/{number}/withdraw"
    assert [post(client, withdraw)[0] for client in (client_of(cast.guest), ada, dev, dev)] == [
        404, 403, 200, 409,
    ]  # fmt: skip


@pytest.mark.parametrize("number", [0, 10**30])
def test_a_number_that_is_none_is_not_found(ada, cast, number):
    assert post(ada, f"{PATH}/{number}/decide", {"decision": "grant"})[0] == 404
