"""Looking at servers and registering them over REST."""

import pytest

from audit.models import Entry
from registry import credentials
from registry.models import Server, Tool
from tests.gateway.administration.samples import send

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


def test_a_look_tells_what_is_there_and_stores_nothing(ada, upstream):
    before = (Server.objects.count(), Tool.objects.count())
    answer = send(ada, "post", "servers/probe", {"url": upstream.url})

    said = answer.json()
    assert (answer.status_code, said["transport"], said["generation"], said["challenge"]) == (
        200,
        "http",
        "stateless",
        None,
    )
    echo = next(tool for tool in said["tools"] if tool["name"] == "echo")
    assert (echo["effect"], echo["flaw"], echo["warnings"]) == ("only reads", "", [])
    assert (Server.objects.count(), Tool.objects.count()) == before
    entries = Entry.objects.filter(kind="registry.probed").order_by("pk")
    assert [(one.person, one.door, one.outcome) for one in entries] == [
        ("ada@example.com", "rest", "pending"),
        ("ada@example.com", "rest", "ok"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "bad_request", "url"),
        ({"url": "https://8.8.8.8/", "command": ["x"]}, 400, "bad_request", "url"),
        ({"command": ["sh", "-c", "id"]}, 400, "bad_request", "command"),
        ({"url": "http://169.254.169.254/latest"}, 400, "address_refused", None),
        ({"url": "https://localhost/"}, 400, "address_refused", None),
        ({"url": "x", "authentication": "magic"}, 400, "invalid", "authentication"),
        ({"url": "x", "credential": {"token": "x"}}, 400, "invalid", "credential.token"),
        ({"url": "x", "credential": {"api_key": "x"}}, 400, "bad_request", "credential"),
    ],
)
def test_what_is_not_looked_at(ada, settings, body, status, code, field):
    settings.STDIO_COMMANDS = [["mcp-server-time"]]
    answer = send(ada, "post", "servers/probe", body)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("field")) == (status, code, field)


def test_a_failure_says_what_to_do(ada, settings):
    settings.INTERNAL_ADDRESSES = ["127.0.0.1:9"]
    answer = send(ada, "post", "servers/probe", {"url": "http://127.0.0.1:9/mcp"})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "not_probed")
    assert error["hint"] == "Is the server running, and are host and port right?"


NEW = {
    "name": "crm",
    "url": "https://8.8.8.8/mcp",
    "display_name": "CRM",
    "trust": "manual",
    "authentication": "bearer",
    "credential": {"api_key": "a-token-nobody-knows"},
}


def test_a_server_is_registered_with_its_credential_sealed(ada):
    answer = send(ada, "post", "servers", NEW)

    server = Server.objects.get(name="crm")
    assert (answer.status_code, answer.json()["name"]) == (201, "crm")
    assert (server.display_name, server.trust, server.enabled) == ("CRM", "manual", True)
    assert credentials.headers_of(server) == {"Authorization": "Bearer a-token-nobody-knows"}
    assert "a-token" not in server.sealed + answer.content.decode()
    entry = Entry.objects.get(kind="admin.changed")
    assert (entry.detail["action"], entry.server, entry.person) == (
        "added",
        "crm",
        "ada@example.com",
    )
    assert "a-token" not in str(entry.detail)


def test_a_rest_service_is_registered_with_its_document(ada):
    body = {**NEW, "transport": "openapi", "document": "openapi: 3.1.0"}
    assert send(ada, "post", "servers", body).status_code == 201
    assert Server.objects.get().document.text == "openapi: 3.1.0"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "Bad Name"}, "name"),
        ({"name": "gateway"}, "name"),
        ({"name": "UPSTREAM"}, "name"),
        ({"name": "upstream"}, "name"),
        ({"url": "http://8.8.8.8/mcp"}, "url"),
        ({"url": "https://127.0.0.1/mcp"}, "url"),
        ({"url": "https://user@8.8.8.8/mcp"}, "url"),
        ({"transport": "stdio"}, "transport"),
        ({"transport": "openapi"}, "document_url"),
        ({"transport": "openapi", "document": "swagger: 2"}, "document"),
        ({"document": "openapi: 3.1.0"}, "document"),
        ({"timeout_seconds": "NaN"}, "timeout_seconds"),
        ({"timeout_seconds": 1e308}, "timeout_seconds"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"command": ["sh"]}, "command"),
        ({"argv": ["sh"]}, "argv"),
        ({"credential": {}}, "credential"),
        ({"authentication": "none", "credential": {"api_key": "k-123456"}}, "credential"),
        ({"credential": {"api_key": "${SECRET_KEY}"}}, "credential"),
        ({"authentication": "header", "credential": {"header_value": "x"}}, "credential"),
    ],
)
def test_a_server_that_must_not_be_is_refused_with_its_field(ada, upstream, values, field):
    answer = send(ada, "post", "servers", NEW | values)

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert [one.name for one in Server.objects.all()] == ["upstream"]
    assert not Entry.objects.filter(kind="admin.changed").exists()
