"""The REST door: who may come in, what comes out, what is said when something is wrong."""

import json
import re
import uuid

import pytest
from django.urls import get_resolver

from audit.models import Entry
from gateway.models import Question

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/api/query"),
        ("get", f"/api/query/{uuid.UUID(int=7)}"),
        ("get", f"/api/query/{uuid.UUID(int=7)}/events"),
        ("post", f"/api/query/{uuid.UUID(int=7)}/cancel"),
        ("get", "/api/mcp/tools/list"),
        ("post", "/api/mcp/tools/call"),
        ("get", "/api/health"),
        ("get", "/api/schema?format=json"),
    ],
)
def test_no_endpoint_answers_without_a_credential(client, cast, method, path):
    response = getattr(client, method)(path, content_type="application/json")

    assert response.status_code == 401
    assert json.loads(response.content)["error"]["code"] == "not_authenticated"
    assert response["WWW-Authenticate"].startswith("Bearer")


def sample(parameter: re.Match[str]) -> str:
    """Something that fits in an address where a parameter of this name stands."""
    return str(uuid.uuid4()) if parameter[1] in ("question_id", "approval_id", "call_id") else "1"


def test_every_path_of_the_api_asks_for_a_credential_but_the_probes(client, cast):
    open_paths = set()
    for pattern in get_resolver().reverse_dict.values():
        path = "/" + re.sub(r"%\((\w+)\)s", sample, pattern[0][0][0])
        if path.startswith("/api/") and client.get(path).status_code not in (401, 405):
            open_paths.add(path)

    assert open_paths == {"/api/health/live", "/api/health/ready"}


def test_a_question_is_answered_while_one_waits(cast, upstream, client_of):
    response = client_of(cast.dev).post(
        "/api/query", {"question": "What is the time now in UTC?", "wait": True}, format="json"
    )

    body = response.json()
    assert (response.status_code, body["state"]) == (200, "answered")
    assert [(call["server"], call["tool"]) for call in body["calls"]] == [("upstream", "get_time")]
    assert "get_time" in body["answer"]


def test_a_question_without_waiting_is_accepted_with_its_addresses(cast, upstream, client_of):
    client = client_of(cast.dev)

    response = client.post("/api/query", {"question": "hello"}, format="json")

    body = response.json()
    assert response.status_code in (200, 202)
    assert client.get(body["urls"]["self"]).json()["id"] == body["id"]


def test_somebody_elses_question_is_not_found(cast, upstream, client_of):
    mine = client_of(cast.dev).post("/api/query", {"question": "hello"}, format="json").json()
    other = client_of(cast.ada)

    for path in mine["urls"].values():
        method = other.post if path.endswith("cancel") else other.get
        assert method(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "question"),
        ({"question": ""}, "question"),
        ({"question": "   "}, "question"),
        ({"question": 5}, "question"),
        ({"question": ["a"]}, "question"),
        ({"question": "x" * 20_001}, "question"),
        ({"question": "x", "conversation": "not-a-uuid"}, "conversation"),
        ({"question": "x", "wait": "perhaps"}, "wait"),
        ({"question": "x", "user_id": "ada@example.com"}, "user_id"),
        ({"question": "x", "person": "ada@example.com"}, "person"),
    ],
)
def test_a_wrong_body_is_told_with_its_field(cast, client_of, body, field):
    response = client_of(cast.dev).post("/api/query", body, format="json")

    assert response.status_code == 400
    assert response.json()["error"]["field"] == field
    assert Question.objects.count() == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"[",
        b"[]",
        b'"text"',
        b'{"question": "a", "question": "b"}',
        b'{"question": NaN}',
        '{"question": "a"}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"question": ' + b"[" * 100 + b"]" * 100 + b"}",
    ],
)
def test_what_is_not_a_json_object_is_refused(cast, client_of, raw):
    response = client_of(cast.dev).post("/api/query", raw, content_type="application/json")

    assert response.status_code == 400
    assert set(response.json()["error"]) == {"code", "message"}


def test_a_body_over_one_mebibyte_is_refused(cast, client_of):
    raw = b'{"question": "' + b"x" * 1_100_000 + b'"}'

    response = client_of(cast.dev).post("/api/query", raw, content_type="application/json")

    assert response.status_code in (400, 413)


def test_identity_headers_are_ignored(cast, upstream, client_of):
    client = client_of(cast.guest)
    claims = {"HTTP_X_USER": "ada@example.com", "HTTP_X_FORWARDED_USER": "ada@example.com"}

    response = client.get("/api/mcp/tools/list", **claims, REMOTE_USER="ada@example.com")

    assert response.json()["tools"] == []


def test_the_list_holds_just_the_tools_that_may_be_called(cast, upstream, client_of):
    client = client_of(cast.dev)
    listed = client.get("/api/mcp/tools/list", {"withheld": "true"}).json()

    assert [tool["tool"] for tool in listed["tools"]] == [
        "add", "big", "echo", "fail", "get_time", "headers", "slow",
    ]  # fmt: skip
    assert sorted(tool["tool"] for tool in listed["withheld"]) == [
        "delete_everything",
        "write_note",
    ]
    assert all(tool["fix"] for tool in listed["withheld"])


def test_a_call_goes_through_and_is_on_the_record(cast, upstream, client_of):
    body = {"server": "upstream", "tool": "add", "arguments": {"a": 1, "b": 2}}

    response = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json")

    assert (response.status_code, response.json()["text"]) == (200, '{"sum": 3}')
    entries = Entry.objects.filter(call=response.json()["id"]).order_by("pk")
    assert [(entry.kind, entry.person, entry.door) for entry in entries] == [
        ("call.calling", "dev@example.com", "rest"),
        ("call.called", "dev@example.com", "rest"),
    ]
    assert entries[0].arguments_digest == entries[1].arguments_digest


@pytest.mark.parametrize(
    ("tool", "arguments", "status", "code"),
    [
        ("write_note", {"text": "x"}, 403, "refused"),
        ("delete_everything", {}, 403, "refused"),
        ("no_such_tool", {}, 404, "unknown_tool"),
        ("Echo", {"text": "x"}, 404, "unknown_tool"),
        ("echo ", {"text": "x"}, 404, "unknown_tool"),
        ("echo", {}, 400, "bad_arguments"),
        ("echo", {"text": 5}, 400, "bad_arguments"),
        ("echo", {"text": "x", "Text": "y"}, 400, "bad_arguments"),
    ],
)
def test_a_call_that_may_not_be_is_refused_recorded_and_not_sent(
    cast, upstream, client_of, tool, arguments, status, code
):
    body = {"server": "upstream", "tool": tool, "arguments": arguments}

    response = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json")

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert upstream.calls == []
    assert Entry.objects.get(kind=Entry.Kind.CALL_REFUSED).error_code == code


def test_a_name_with_a_null_character_is_refused_with_its_field(cast, upstream, client_of):
    body = {"server": "upstream", "tool": "echo\u0000", "arguments": {"text": "x"}}

    response = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json")

    assert (response.status_code, response.json()["error"]["field"]) == (400, "tool")
    assert upstream.calls == []


def test_a_refusal_names_layer_rule_reason_and_the_way_out(cast, upstream, client_of):
    body = {"server": "upstream", "tool": "write_note", "arguments": {"text": "x"}}

    error = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json").json()["error"]

    assert error["layer"] == "role"
    assert "developer" in error["rule"]
    assert error["reason"] and error["fix"]
    entry = Entry.objects.get(kind=Entry.Kind.CALL_REFUSED)
    assert (entry.layer, entry.rule) == (error["layer"], error["rule"])


def test_a_key_without_the_scope_is_refused(cast, upstream, client_of):
    client = client_of(cast.dev, scopes=["query"])

    response = client.get("/api/mcp/tools/list")

    assert (response.status_code, response.json()["error"]["code"]) == (403, "scope")


def test_a_key_narrowed_to_other_servers_reaches_nothing_here(cast, upstream, client_of):
    client = client_of(cast.ada, servers=["elsewhere"])
    body = {"server": "upstream", "tool": "echo", "arguments": {"text": "x"}}

    assert client.get("/api/mcp/tools/list").json()["tools"] == []
    assert (
        client.post("/api/mcp/tools/call", body, format="json").json()["error"]["layer"] == "reach"
    )
    assert upstream.calls == []


def test_only_the_servers_own_credential_reaches_it(cast, upstream, client_of):
    client = client_of(cast.dev)
    smuggled = {"HTTP_X_UPSTREAM_AUTHORIZATION": "Bearer x", "HTTP_COOKIE": "a=b"}

    body = {"server": "upstream", "tool": "headers", "arguments": {}}
    text = client.post("/api/mcp/tools/call", body, format="json", **smuggled).json()["text"]

    assert "authorization" not in text.lower()
    assert "cookie" not in text.lower()


def test_a_session_without_its_csrf_token_is_refused(cast, upstream):
    from rest_framework.test import APIClient  # noqa: PLC0415  with CSRF checks, unlike the fixture's

    client = APIClient(enforce_csrf_checks=True)
    client.force_login(cast.dev)

    response = client.post("/api/query", {"question": "hello"}, format="json")

    assert response.status_code == 403
    assert Question.objects.count() == 0


def test_unknown_paths_answer_in_json(client):
    response = client.get("/api/nothing")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_every_path_of_the_api_stands_in_its_description(cast, client_of):
    described = client_of(cast.dev).get("/api/schema", {"format": "json"}).json()

    patterns = [pattern[0][0][0] for pattern in get_resolver().reverse_dict.values()]
    served = {"/" + re.sub(r"%\((\w+)\)s", r"{\1}", path) for path in patterns}
    own = {path for path in served if path.startswith("/api/")} - {"/api/schema", "/api/docs"}
    assert set(described["paths"]) == own
    schemes = described["components"]["securitySchemes"]
    assert set(schemes) == {"apiKey", "session"}
