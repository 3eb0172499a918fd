"""The page that looks at a server and registers it: who may, what it shows, what it does."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import Role
from audit.models import Entry
from registry.models import Server, Tool
from tests.fakes import bare_child, rest_service
from tests.fakes.faulty_upstream import faulty, http
from tests.registry.fixtures import a_tool, raw_server

pytestmark = pytest.mark.django_db

PAGE = "/admin/registry/server/probe/"
HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture
def client():
    """A browser; the registry's other tests call their MCP client so."""
    return Client()


@pytest.fixture
def ada(client, cast):
    client.force_login(cast.ada)
    return client


def look(client, url="", **values):
    return client.post(PAGE, {"url": url, "authentication": "none"} | values)


def test_what_is_found_is_shown_and_nothing_stored(ada, upstream_server, settings):
    settings.INTERNAL_ADDRESSES = [urlsplit(upstream_server.url).netloc]
    page = look(ada, upstream_server.url)
    text = page.content.decode()

    assert page.context["seen"].transport == "http"
    assert "2026-07-28 (stateless)" in text and "only reads" in text
    assert (Server.objects.count(), Tool.objects.count()) == (0, 0)
    entry = Entry.objects.filter(kind="registry.probed").latest("pk")
    assert (entry.person, entry.door, entry.outcome) == ("ada@example.com", "admin", "ok")


def test_a_secret_without_authentication_is_refused(ada):
    page = look(ada, "https://8.8.8.8/mcp", secret="a-token-nobody-knows")
    assert page.context["form"].errors == {"secret": ["Authentication none takes no secret."]}
    assert not Entry.objects.filter(kind="registry.probed").exists()


def test_what_servers_say_is_shown_as_text(ada, settings):
    with raw_server([a_tool("search", description=HOSTILE)]) as raw:
        settings.INTERNAL_ADDRESSES = [raw.address]
        text = look(ada, raw.url).content.decode()
    assert "<script>alert" not in text and "\u202e" not in text and "U+202E" in text


@pytest.mark.django_db(transaction=True)
def test_one_click_registers_it_and_reads_its_tools(ada, upstream_server, settings):
    settings.INTERNAL_ADDRESSES = [urlsplit(upstream_server.url).netloc]
    offered = look(ada, upstream_server.url).context["offered"].initial
    values = {name: offered[name] for name in ("name", "url", "transport", "command")}
    answer = ada.post(PAGE, {"register": "1", **values})

    server = Server.objects.get()
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"/admin/registry/server/{server.pk}/change/",
    )
    assert (server.name, server.url, server.transport) == (
        "fake-upstream",
        upstream_server.url,
        "http",
    )
    assert server.tools.filter(state="offered").count() > 0
    assert [
        entry.detail["action"]
        for entry in Entry.objects.filter(kind="admin.changed").order_by("pk")
    ] == [
        "added",
        "sync tools",
    ]


@pytest.mark.django_db(transaction=True)
def test_one_click_registers_a_rest_service_by_its_document(ada, settings):
    with rest_service.serve() as service:
        settings.INTERNAL_ADDRESSES = [service.address]
        offered = look(ada, service.document_url).context["offered"].initial
        assert ada.post(PAGE, {"register": "1", **offered}).status_code == 302

    server = Server.objects.get()
    assert (server.name, server.transport, server.url, server.document.url) == (
        "orders",
        "openapi",
        service.url,
        service.document_url,
    )
    assert server.tools.filter(state="offered").count() == 4


def test_a_command_is_chosen_from_the_deployments_own(ada, settings):
    settings.STDIO_COMMANDS = [list(bare_child.ARGV)]
    command = json.dumps(list(bare_child.ARGV))
    page = look(ada, command=command)

    assert page.context["seen"].argv == bare_child.ARGV
    assert page.context["offered"].initial["command"] == command
    assert look(ada, command='["sh", "-c", "id"]').context["form"].errors.keys() == {"command"}
    for argv in ('["sh"]', "[]", "nonsense"):
        values = {"name": "x", "transport": "stdio", "url": "", "command": argv}
        assert ada.post(PAGE, {"register": "1", **values}).status_code == 200
    assert Server.objects.count() == 0


def test_a_server_that_wants_a_credential_leads_to_the_form(ada, settings):
    with faulty(lambda message: http(401, www_authenticate="Basic"), negotiates=False) as upstream:
        settings.INTERNAL_ADDRESSES = [upstream.address]
        page = look(ada, f"http://{upstream.address}/mcp")

    link = page.context["fill_in"]
    assert page.context["offered"] is None
    assert parse_qs(urlsplit(link).query) == {
        "name": ["127-0-0-1"],
        "transport": ["http"],
        "url": [f"http://{upstream.address}/mcp"],
        "authentication": ["basic"],
    }
    initial = ada.get(link).context["adminform"].form.initial
    assert (initial["url"], initial["authentication"]) == (
        f"http://{upstream.address}/mcp",
        "basic",
    )


def test_a_credential_is_sent_and_not_repeated(ada, settings):
    with faulty(lambda message: http(401), negotiates=False) as upstream:
        settings.INTERNAL_ADDRESSES = [upstream.address]
        values = {"authentication": "bearer", "secret": "a-token-nobody-knows"}
        page = look(ada, f"http://{upstream.address}/mcp", **values)

    assert upstream.received[0].headers["authorization"] == "Bearer a-token-nobody-knows"
    assert "a-token-nobody-knows" not in page.content.decode()


def test_a_failure_says_what_to_do(ada):
    page = look(ada, "https://127.0.0.1/mcp")

    assert page.status_code == 200
    assert "OMNI2_INTERNAL_ADDRESSES" in page.content.decode()


def test_a_name_that_is_taken_is_said(ada):
    Server.objects.create(name="crm", transport="http", url="https://8.8.8.8/mcp")
    values = {"name": "crm", "transport": "http", "url": "https://8.8.8.8/mcp", "command": ""}
    page = ada.post(PAGE, {"register": "1", **values})

    assert page.context["offered"].errors == {"name": ["there is a server of this name already"]}
    assert Server.objects.count() == 1


def test_neither_or_both_is_no_target(ada, settings):
    settings.STDIO_COMMANDS = [["mcp-server-time"]]
    assert look(ada).context["form"].errors.keys() == {"url"}
    both = look(ada, "https://8.8.8.8/", command='["mcp-server-time"]')
    assert both.context["form"].errors.keys() == {"url"}


def test_only_who_may_register_may_probe(client, cast):
    Role.objects.filter(name="developer").update(can_view_audit_logs=True, can_manage_users=True)
    client.force_login(cast.dev)
    values = {"name": "x", "transport": "http", "url": "https://8.8.8.8/mcp", "command": ""}
    answers = [
        client.get(PAGE),
        look(client, "https://8.8.8.8/"),
        client.post(PAGE, {"register": "1", **values}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert not Entry.objects.filter(kind="registry.probed").exists()

    Role.objects.filter(name="developer").update(can_modify_config=True)
    assert client.get(PAGE).status_code == 200
