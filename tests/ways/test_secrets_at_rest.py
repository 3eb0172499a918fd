"""Who has a copy of the database has no credential (T-37)."""

from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.db import connection
from django.test import Client

from accounts.models import BrowserSession, SetupLink
from registry import discovery, health
from registry.credentials import seal
from registry.models import Server
from tests.gateway import connecting

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "T37-the-token-of-the-upstream"
PASSWORD = "T37-the-password-of-dev"


def dump():
    """Every column of every table as text, by table."""
    found = {}
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = "\n".join(str(row) for row in cursor.fetchall())
    return found


def tables_with(secret):
    return {table for table, text in dump().items() if secret in text}


def with_token(**changes):
    sealed = seal({"authentication": {"type": "bearer", "api_key": TOKEN}})
    Server.objects.update(authentication="bearer", sealed=sealed, **changes)
    return Server.objects.get()


def call(client, tool="headers", arguments=None):
    body = {"server": "upstream", "tool": tool, "arguments": arguments or {}}
    return client.post("/api/mcp/tools/call", body, format="json")


def test_the_dump_holds_every_table_and_would_show_a_secret(cast, upstream):
    models = {model._meta.db_table for model in apps.get_models()}
    Server.objects.update(description=TOKEN)

    assert models <= set(dump())
    assert tables_with(TOKEN) == {"registry_server"}


def test_a_dump_holds_no_credential_as_it_is_used(cast, upstream, client_of, client):
    server = with_token()
    cast.dev.set_password(PASSWORD)
    cast.dev.save()
    key, link = cast.key(cast.dev), SetupLink.issue(cast.dev)
    client.post("/login/", {"username": cast.dev.email, "password": PASSWORD})
    session = client.cookies["sessionid"].value
    client.get("/api/mcp/tools/list", HTTP_AUTHORIZATION=f"Bearer {key}x")

    answer = call(client_of(cast.dev))
    discovery.sync(server)
    health.check(server)

    assert "[redacted]" in answer.json()["text"], "the upstream gave its own token back"
    secrets = (TOKEN, PASSWORD, key, key.split("_", 2)[2], link, session)
    assert {secret: tables_with(secret) for secret in secrets} == dict.fromkeys(secrets, set())


def test_a_dump_holds_no_token_of_an_account_of_ones_own(cast, protected, client, client_of):
    connecting.register(protected, "upstream")
    client.force_login(cast.ada)
    there = connecting.way_there(client, "upstream")
    connecting.connect(client, "upstream")

    answer = call(client_of(cast.ada))

    assert "[redacted]" in answer.json()["text"], "the upstream gave the token back"
    (state,) = parse_qs(urlsplit(there).query)["state"]
    secrets = (*protected.authority.tokens, *protected.authority.refreshing, state)
    assert len(secrets) == 3
    assert {secret: tables_with(secret) for secret in secrets} == dict.fromkeys(secrets, set())


def test_nothing_a_dump_holds_of_a_session_opens_it(cast, client):
    client.force_login(cast.dev)
    row = BrowserSession.objects.get()
    assert client.get("/api/me").status_code == 200, "the test could not fail"
    session = client.cookies["sessionid"].value

    answers = []
    for stored in (row.digest, row.session_data, session):
        browser = Client()
        browser.cookies["sessionid"] = stored
        answers.append(browser.get("/api/me").status_code)

    assert answers == [401, 401, 200]


def test_without_the_key_it_was_written_with_nothing_is_sent(cast, upstream, client_of, settings):
    with_token()
    client = client_of(cast.dev)
    assert call(client).status_code == 200, "the test could not fail"
    upstream.requests.clear()

    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    answer = call(client)

    assert (answer.status_code, upstream.requests) == (502, [])
    assert "cannot be decrypted" in answer.json()["error"]["message"]
    assert Server.objects.get().sealed not in str(answer.content)
