"""Approvals over REST: seen and decided, and what a key may do with them."""

import pytest

from gateway.llm.scripted import ScriptedModel, uses
from tests.approving import SUM, approver, confirm, decided, waiting
from tests.ways.asking import asked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cleo(upstream):
    confirm("add", "write_note")
    return approver()


@pytest.fixture
def approval(cast, cleo):
    return waiting(cast, cast.dev)


def test_over_rest_a_call_is_refused_approved_made_and_read_again(cast, upstream, cleo, client_of):
    dev, by = client_of(cast.dev), client_of(cleo, scopes=["approve"])
    call = {"server": "upstream", "tool": "add", "arguments": SUM}

    first = dev.post("/api/mcp/tools/call", call, format="json")
    told = first.json()["error"]
    assert (first.status_code, told["code"]) == (403, "needs_approval")
    named, url = told["approval"]["id"], told["approval"]["url"]
    [shown] = by.get("/api/approvals").json()["to_decide"]
    assert (shown["id"], shown["person"], shown["arguments"], shown["rule"]) == (
        named, "dev@example.com", SUM, "require_confirmation.actions: add",
    )  # fmt: skip

    yes = by.post(f"{url}/decide", {"decision": "approve", "reason": "ok"}, format="json")
    assert (yes.status_code, yes.json()["state"], yes.json()["decided_by"]) == (
        200, "approved", "cleo@example.com",
    )  # fmt: skip
    assert by.get("/api/approvals").json()["to_decide"] == []

    made = dev.post("/api/mcp/tools/call", call | {"approval": named}, format="json")
    assert (made.status_code, made.json()["text"]) == (200, '{"sum": 3}')
    again = dev.post("/api/mcp/tools/call", call | {"approval": named}, format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "approval_invalid")
    assert upstream.calls == [("add", SUM)]

    kept = dev.get(url).json()
    assert (kept["state"], kept["result"]["text"]) == ("used", '{"sum": 3}')
    assert [one["id"] for one in dev.get("/api/approvals").json()["asked"]] == [named]
    assert by.get(url).json()["result"] is None, "the result is for whoever asked"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "decision"),
        ({"decision": "yes"}, 400, "decision"),
        ({"decision": "approve", "reason": 7}, 400, "reason"),
        ({"decision": "approve", "by": "ada"}, 400, "by"),
        ({"decision": "approve", "reason": "x" * 2001}, 400, "reason"),
    ],
)
def test_a_decision_that_is_none_is_refused_by_its_field(
    cast, cleo, approval, client_of, body, status, field
):
    client = client_of(cleo, scopes=["approve"])

    answer = client.post(f"{approval.url}/decide", body, format="json")

    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
    assert decided() == []


def test_a_key_that_was_not_made_for_deciding_decides_nothing_and_sees_only_ones_own(
    cast, cleo, approval, client_of
):
    client = client_of(cast.ada)

    answer = client.post(f"{approval.url}/decide", {"decision": "approve"}, format="json")

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope")
    assert client.get("/api/approvals").json() == {"asked": [], "to_decide": []}
    assert client.get(approval.url).status_code == 404
    assert client_of(cast.dev).get(approval.url).status_code == 200


def test_a_key_decides_on_its_own_servers_alone(cast, cleo, approval, client_of):
    client = client_of(cleo, scopes=["approve"], servers=["another"])

    answer = client.post(f"{approval.url}/decide", {"decision": "approve"}, format="json")

    assert answer.status_code == 404
    assert client.get("/api/approvals").json()["to_decide"] == []


def test_a_question_that_waits_is_said_to_wait(cast, upstream, cleo, client_of):
    question = asked(
        cast, cast.ada, "note", ScriptedModel([uses(("upstream__write_note", {"text": "x"}))])
    )
    named = question.approvals.get()
    client = client_of(cast.ada)

    body = client.get(f"/api/query/{question.pk}").json()

    assert (body["state"], [one["id"] for one in body["approvals"]]) == ("waiting", [str(named.pk)])


def test_waiting_for_an_answer_ends_with_what_waits_for_approval(cast, upstream, cleo, client_of):
    confirm("get_time")

    response = client_of(cast.dev).post(
        "/api/query", {"question": "What is the time now in UTC?", "wait": True}, format="json"
    )

    body = response.json()
    [needed] = body["approvals"]
    assert (response.status_code, body["state"]) == (202, "waiting")
    assert (needed["tool"], needed["state"]) == ("get_time", "waiting")
