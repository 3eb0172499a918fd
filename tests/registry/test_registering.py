"""Registering: what is checked before a row is made, and that every door checks the address."""

import json
from dataclasses import replace
from typing import Any

import pytest

from audit.models import Entry
from audit.record import Who
from registry import documents
from registry import probe as probing
from registry.admin.forms import ServerForm
from registry.errors import AddressRefused, CannotRegister
from registry.importing import ServerSpec
from registry.mcp import guard
from registry.models import Document, Server
from registry.probe import Target, probe
from registry.registering import register
from tests.omni2.importing import problems
from tests.registry.addresses import ROWS, resolver

pytestmark = pytest.mark.django_db

ADA = Who(person="ada@example.com", door="rest")


def refused(spec: ServerSpec) -> CannotRegister:
    with pytest.raises(CannotRegister) as caught:
        register(spec, who=ADA)
    assert (Server.objects.count(), Entry.objects.count()) == (0, 0)
    return caught.value


def test_a_server_is_added_on_the_record():
    spec = ServerSpec(name="crm", transport="http", url="https://8.8.8.8/mcp", tags=("sales",))
    server = register(spec, who=ADA)

    assert (server.name, server.tags, server.health, server.enabled) == (
        "crm",
        ["sales"],
        "unknown",
        True,
    )
    entry = Entry.objects.get()
    assert (entry.kind, entry.server, entry.person, entry.detail["action"]) == (
        "admin.changed",
        "crm",
        "ada@example.com",
        "added",
    )


def test_a_name_is_taken_whatever_its_case():
    Server.objects.create(name="CRM", transport="http", url="https://8.8.8.8/mcp")
    with pytest.raises(CannotRegister) as caught:
        register(ServerSpec(name="crm", transport="http", url="https://8.8.8.8/mcp"), who=ADA)
    assert (caught.value.field, Server.objects.count()) == ("name", 1)


def test_a_command_is_one_of_the_deployments(settings):
    settings.STDIO_COMMANDS = [["mcp-server-time"]]
    assert refused(ServerSpec(name="t", transport="stdio", argv=("sh",))).field == "command"
    assert refused(ServerSpec(name="t", transport="stdio")).field == "command"

    register(ServerSpec(name="t", transport="stdio", argv=("mcp-server-time",)), who=ADA)
    assert Server.objects.get().argv == ["mcp-server-time"]


LARGE = "openapi: 3.1.0 ".ljust(documents.TEXT_LIMIT, "#")
SERVICE = ServerSpec(
    name="orders",
    transport="openapi",
    url="https://8.8.8.8/v1",
    document_url="https://8.8.8.8/openapi.json",
)


def test_a_rest_service_has_a_document_and_nothing_else_has():
    wrong = [
        (replace(SERVICE, url="https://8.8.8.8/v1?key=x"), "url"),
        (replace(SERVICE, document_url=""), "document_url"),
        (replace(SERVICE, document="openapi: 3.1.0"), "document_url"),
        (replace(SERVICE, document_url="http://169.254.169.254/"), "document_url"),
        (replace(SERVICE, document_url="", document="swagger: 2"), "document"),
        (replace(SERVICE, document_url="", document="a: &a [*a]"), "document"),
        (replace(SERVICE, document_url="", document="openapi: 3.1.0\0"), "document"),
        (replace(SERVICE, document_url="", document=LARGE + "#"), "document"),
        (replace(SERVICE, document_url="", document=LARGE[:-1] + "\n"), "document"),
        (replace(SERVICE, transport="http"), "document_url"),
        (replace(SERVICE, transport="sse", document_url="", document="x"), "document"),
    ]
    assert [refused(spec).field for spec, _ in wrong] == [field for _, field in wrong]

    register(SERVICE, who=ADA)
    assert Document.objects.get().url == "https://8.8.8.8/openapi.json"
    register(replace(SERVICE, name="large", document_url="", document=LARGE), who=ADA)
    assert Document.objects.get(server__name="large").text == LARGE


@pytest.mark.parametrize(
    "values",
    [
        {"timeout_seconds": 1e308},
        {"timeout_seconds": float("nan")},
        {"timeout_seconds": -1},
        {"retry_delay_seconds": -5},
        {"retry_attempts": 11},
        {"concurrent_calls": 0},
        {"trust": "blind"},
        {"tags": ("\ud800",)},
        {"argument_defaults": {"a": float("nan")}},
    ],
    ids=ascii,
)
def test_a_value_that_its_column_does_not_take_is_refused_with_its_field(values):
    plain = ServerSpec(name="crm", transport="http", url="https://8.8.8.8/mcp")
    assert refused(replace(plain, **values)).field == next(iter(values))


@pytest.fixture
def stub_names(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """The names of the attack file resolve to what its rows are about; nothing is listed."""
    monkeypatch.setattr(guard, "resolve", resolver)
    settings.INTERNAL_ADDRESSES = []


BLOCKED = [row["url"] for row in ROWS if row["expect"] == "block"]
# By http nearly all is refused for the scheme: by https the address check is seen working.
URLS = sorted({*BLOCKED, *(url.replace("http://", "https://", 1) for url in BLOCKED)})


def test_no_door_saves_an_address_of_the_attack_file(stub_names, tmp_path):
    """T-25: in the admin's form, over REST and the command line, and by an import."""
    for url in URLS:
        form = ServerForm({"name": "x", "transport": "http", "url": url})
        assert "url" in form.errors, url
        assert refused(ServerSpec(name="x", transport="http", url=url)).field == "url", url
        assert refused(replace(SERVICE, document_url=url)).field == "document_url", url
    text = json.dumps({"mcps": [{"name": f"n{i}", "url": url} for i, url in enumerate(URLS)]})
    said = [one.split(": ")[1] for one in problems(tmp_path, mcps=text)]
    assert sorted(said) == sorted(f"mcps[{i}].url" for i in range(len(URLS)))


def test_no_probe_dials_an_address_of_the_attack_file(stub_names, monkeypatch):
    monkeypatch.setattr(probing.connections, "list_tools", None)
    monkeypatch.setattr(probing.connections, "fetch", None)
    for url in URLS:
        with pytest.raises(AddressRefused):
            probe(Target(url), who=ADA)
    assert Entry.objects.filter(outcome="failed").count() == len(URLS)


def test_what_the_attack_file_allows_is_saved(stub_names):
    for number, row in enumerate(row for row in ROWS if row["expect"] == "allow"):
        register(ServerSpec(name=f"n{number}", transport="http", url=row["url"]), who=ADA)
    assert Server.objects.count() == sum(row["expect"] == "allow" for row in ROWS) > 0
