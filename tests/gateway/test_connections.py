"""The page of one's own accounts: connected in a browser, over real HTTP, and let go of."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from audit.models import Entry
from registry.models import ConnectedAccount, Server
from tests.admin_pages import HOSTILE
from tests.gateway.connecting import connect, register, way_back, way_there

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm(protected, cast) -> Server:
    return register(protected, display_name="Customers", description=HOSTILE)


@pytest.fixture
def ada(client, cast) -> Client:
    client.force_login(cast.ada)
    return client


def text(page) -> str:
    return page.content.decode()


def test_an_account_is_connected_shown_and_let_go_of(ada, crm, protected):
    before = text(ada.get("/connections/"))
    after = connect(ada)
    shown = text(after)

    assert ("not connected" in before, "Disconnect" in before, HOSTILE in before) == (
        True,
        False,
        False,
    )
    assert after.redirect_chain == [("/connections/", 302)]
    assert "Your account at crm is connected." in shown
    assert ("may: notes" in shown, "Disconnect" in shown) == (True, True)
    assert crm.tools.filter(name="get_owner").exists(), "the first account reads the tools"
    secrets = [*protected.authority.tokens, *protected.authority.refreshing]
    assert [one for one in secrets if one in shown] == []

    gone = text(ada.post("/connections/crm/disconnect/", follow=True))
    assert "is no longer connected" in gone
    assert not ConnectedAccount.objects.exists()
    assert ada.post("/connections/crm/disconnect/").status_code == 404


@pytest.fixture
def reads_documents(protected, client, settings) -> str:
    """The authorization server reads the documents that we publish; where we are."""
    settings.PUBLIC_URL = "https://omni.example.com"
    protected.authority.changes["client_id_metadata_document_supported"] = True
    protected.authority.read = lambda url: Client().get(urlsplit(url).path).json()
    return settings.PUBLIC_URL


def test_the_document_that_we_publish_is_who_we_are(ada, crm, protected, reads_documents):
    connect(ada)
    paths = [path for path, _ in protected.authority.asked]
    asked = dict(protected.authority.asked)
    name = f"{reads_documents}/connections/crm/client.json"

    assert paths == [
        "/.well-known/oauth-authorization-server",
        "/authorize",
        "/token",
    ]
    assert (asked["/authorize"]["client_id"], asked["/token"]["client_id"]) == (name, name)
    assert ConnectedAccount.objects.get().state == "connected"


def test_the_document_is_there_for_any_name_or_for_none(db, settings, reads_documents):
    """Whether there is such a server stays unsaid."""
    there, not_there = (Client().get(f"/connections/{name}/client.json") for name in ("crm", "no"))
    assert (there.status_code, not_there.status_code) == (200, 200)
    assert there.json()["redirect_uris"] == [f"{reads_documents}/connections/crm/callback/"]
    assert there["Cache-Control"] == "public, max-age=3600"
    assert Client().post("/connections/crm/client.json").status_code == 405

    settings.OAUTH_CLIENT_DOCUMENT = False
    assert Client().get("/connections/crm/client.json").status_code == 404
    settings.OAUTH_CLIENT_DOCUMENT, settings.PUBLIC_URL = True, "http://127.0.0.1:8000"
    assert Client().get("/connections/crm/client.json").status_code == 404


def test_without_the_document_we_register(ada, crm, protected, reads_documents, settings):
    settings.OAUTH_CLIENT_DOCUMENT = False
    connect(ada)
    assert "/register" in [path for path, _ in protected.authority.asked]


def test_before_anybody_leaves_the_page_says_where_to(ada, crm, protected):
    page = text(ada.post("/connections/crm/connect/"))
    there = way_there(ada)

    assert f"<code>{protected.authority.url.removeprefix('http://')}</code>" in page
    assert there.startswith(f"{protected.authority.url}/authorize?")
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A8000%2Fconnections%2Fcrm%2Fcallback%2F" in there
    assert ada.get("/connections/crm/connect/").status_code == 405


def test_a_way_back_works_in_the_browser_that_was_sent_and_in_no_other(ada, crm, cast):
    back = way_back(way_there(ada))
    stranger, dev, other = Client(), Client(), Client()
    dev.force_login(cast.dev)
    other.force_login(cast.ada)

    assert stranger.get(back)["Location"] == "/login/?next=/connections/"
    assert dev.get(back, follow=True).status_code in (200, 404)
    assert "Not connected:" in text(other.get(back, follow=True))
    assert not ConnectedAccount.objects.exists()

    assert "is connected" in text(ada.get(back, follow=True))
    assert "Not connected:" in text(ada.get(back, follow=True))
    assert ConnectedAccount.objects.get().person == cast.ada.pk


def test_what_goes_wrong_is_told_on_the_page_without_foreign_words(ada, crm, protected):
    refused = text(ada.get(way_back(way_there(ada)) + "&error=foreign-words", follow=True))
    assert "crm cannot be connected: the authorization server, or you, said no." in refused
    assert "foreign-words" not in refused

    protected.authority.changes["issuer"] = "https://other.example"
    page = ada.post("/connections/crm/connect/", follow=True)
    assert "gives itself another name" in text(page)
    Server.objects.update(url="http://127.0.0.1:9/mcp")
    page = ada.post("/connections/crm/connect/", follow=True)
    assert "crm cannot be connected now" in text(page)


def test_a_server_one_may_not_call_is_not_there(client, crm, cast):
    client.force_login(cast.guest)
    assert "Customers" not in text(client.get("/connections/"))
    assert client.post("/connections/crm/connect/").status_code == 404
    assert client.post("/connections/nothing/connect/").status_code == 404
    assert client.get("/connections/crm/callback/?state=a&code=b").status_code == 404


def test_connecting_is_a_form_of_our_own_page(crm, cast):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.ada)
    assert strict.post("/connections/crm/connect/").status_code == 403


def test_an_attempt_that_was_refused_is_on_the_record_with_its_person(ada, crm):
    way_there(ada)
    ada.get("/connections/crm/callback/?state=guess&code=x&iss=y")
    entry = Entry.objects.get(kind="person.changed")
    assert (entry.person, entry.door, entry.server, entry.outcome, entry.error_code) == (
        "ada@example.com",
        "web",
        "crm",
        "refused",
        "attempt_refused",
    )
