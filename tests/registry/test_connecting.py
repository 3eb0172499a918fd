"""Connecting an account: the whole way over real HTTP, and everything that must not work."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Entry
from audit.record import Who
from registry import calling, connecting, discovery, tokens
from registry.connected import Attempt, ConnectedAccount, RegisteredClient
from registry.connecting import Return
from registry.errors import (
    AttemptRefused,
    AuthorizationFailed,
    CredentialMissing,
    NotConnected,
    RegistryError,
)
from registry.mcp.errors import GuardRefused, UpstreamError
from registry.models import Server
from tests.fakes.authorization_server import Protected
from tests.registry.accounts import BACK, DEV, EVE, a_server, connect, go

pytestmark = pytest.mark.django_db

WHO = Who(person=DEV.name)


def finish(server: Server, back: Return, person: Any = DEV) -> ConnectedAccount:
    return connecting.finish(server, person, back, who=WHO)


def owner(server: Server, person: int) -> str:
    """Whose account the upstream says it is."""
    tool = server.tools.get(name="get_owner")
    return calling.call(server, tool, {}, person=person)["content"][0]["text"]


def test_the_whole_way_leads_to_calls_in_ones_own_name(protected: Protected) -> None:
    server = a_server(protected)
    account = connect(server)
    discovery.sync(server)

    assert (account.person, account.name, account.scope) == (7, "dev@example.com", "notes")
    assert owner(server, DEV.number) == "dev"
    paths = [path for path, _ in protected.authority.asked]
    assert paths == [
        "/.well-known/oauth-authorization-server",
        "/register",
        "/authorize",
        "/token",
    ]
    asked = dict(protected.authority.asked)
    assert asked["/authorize"]["code_challenge_method"] == "S256"
    assert asked["/authorize"]["redirect_uri"] == asked["/token"]["redirect_uri"] == BACK
    assert asked["/authorize"]["resource"] == asked["/token"]["resource"] == server.url
    assert asked["/authorize"]["scope"] == "notes"
    entry = Entry.objects.filter(kind="person.changed").get()
    assert (entry.person, entry.server, entry.detail["action"]) == (
        "dev@example.com",
        "crm",
        "account connected",
    )


def test_two_people_are_never_mixed(protected: Protected) -> None:
    server = a_server(protected)
    for person in (DEV, EVE):
        protected.authority.person = person.name
        connect(server, person)
    discovery.sync(server)

    said = [owner(server, number) for number in (7, 8, 7, 8)]
    assert said == [DEV.name, EVE.name, DEV.name, EVE.name]
    with pytest.raises(NotConnected):
        owner(server, 9)


def test_a_second_person_is_not_registered_again(protected: Protected) -> None:
    server = a_server(protected)
    connect(server)
    connect(server, EVE)
    assert [path for path, _ in protected.authority.asked].count("/register") == 1
    assert RegisteredClient.objects.count() == 1


def test_nothing_that_counts_is_stored_as_it_is_sent(protected: Protected) -> None:
    server = a_server(protected)
    back = go(server)
    attempt = Attempt.objects.get()
    account = finish(server, back)

    secrets = [*protected.authority.tokens, *protected.authority.refreshing]
    stored = str(ConnectedAccount.objects.values().get()) + str(RegisteredClient.objects.values())
    assert [secret for secret in secrets if secret in stored] == []
    assert back.state not in str(vars(attempt))
    assert tokens.held(account).access_token in secrets


@pytest.mark.parametrize(
    ("spoil", "person"),
    [
        ({"state": "another"}, DEV),
        ({"state": ""}, DEV),
        ({"issuer": "https://other.example"}, DEV),
        ({"issuer": ""}, DEV),
        ({"code": ""}, DEV),
        ({"code": "a-code-of-somebody-else"}, DEV),
        ({"error": "access_denied", "code": ""}, DEV),
        ({}, EVE),
        ({}, connecting.Person(7, DEV.name, "another browser")),
    ],
)
def test_what_comes_back_otherwise_than_it_was_sent_is_refused(
    protected: Protected, spoil: dict[str, str], person: Any
) -> None:
    server = a_server(protected)
    back = go(server, **spoil)
    with pytest.raises(RegistryError) as raised:
        finish(server, back, person)
    assert isinstance(raised.value, AttemptRefused | AuthorizationFailed)
    assert ConnectedAccount.objects.count() == 0
    entry = Entry.objects.get(kind="person.changed")
    assert (entry.outcome, entry.detail["action"]) == ("refused", "account not connected")


def test_a_way_back_is_good_once_and_not_for_long(protected: Protected) -> None:
    server = a_server(protected)
    back = go(server)
    finish(server, back)
    with pytest.raises(AttemptRefused):
        finish(server, back)

    late = go(server, EVE)
    Attempt.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(AttemptRefused):
        finish(server, late, EVE)
    assert ConnectedAccount.objects.get().person == DEV.number


def test_a_replayed_code_gives_no_second_account(protected: Protected) -> None:
    server = a_server(protected)
    code = go(server).code
    with pytest.raises(AuthorizationFailed, match="invalid_grant"):
        finish(server, go(server, code=code))
    assert ConnectedAccount.objects.count() == 0


def test_a_server_that_changes_in_between_gets_nothing(protected: Protected) -> None:
    server = a_server(protected)
    back = go(server)
    server.url = "https://elsewhere.example/mcp"
    server.save()
    with pytest.raises(AttemptRefused, match="has changed"):
        finish(server, back)
    assert protected.authority.count("authorization_code") == 0


INSIDE = "http://169.254.169.254/latest/meta-data"
LISTED_NOT = "https://127.0.0.1:1/x"


@pytest.mark.parametrize(
    ("where", "change", "message"),
    [
        ("resource", {"resource": "https://other.example/mcp"}, "another resource"),
        ("resource", {"resource": None}, "another resource"),
        ("resource", {"authorization_servers": []}, "names no authorization server"),
        ("resource", {"authorization_servers": [INSIDE]}, "Plain http"),
        ("resource", {"authorization_servers": [LISTED_NOT]}, "not a public address"),
        ("resource", {"authorization_servers": ["file:///etc/passwd"]}, "A URL begins with"),
        ("resource", {"resource_metadata": INSIDE}, "Plain http"),
        ("resource", {"resource_metadata": LISTED_NOT}, "not a public address"),
        ("authority", {"issuer": "https://other.example"}, "another name"),
        ("authority", {"issuer": None}, "another name"),
        ("authority", {"token_endpoint": INSIDE}, "token_endpoint cannot be used"),
        ("authority", {"token_endpoint": None}, "has no token_endpoint"),
        ("authority", {"authorization_endpoint": "javascript:alert(1)"}, "cannot be used"),
        ("authority", {"authorization_endpoint": None}, "has no authorization_endpoint"),
        ("authority", {"registration_endpoint": INSIDE}, "cannot be used"),
        ("authority", {"registration_endpoint": LISTED_NOT}, "not a public address"),
        ("authority", {"registration_endpoint": None}, "registers nobody by itself"),
        ("authority", {"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ("authority", {"code_challenge_methods_supported": None}, "PKCE"),
    ],
)
def test_nobody_is_sent_anywhere_by_metadata_that_cannot_be_believed(
    protected: Protected, where: str, change: dict[str, Any], message: str
) -> None:
    server, authority = a_server(protected), protected.authority
    (authority.resource_changes if where == "resource" else authority.changes).update(change)
    with pytest.raises((AuthorizationFailed, CredentialMissing, GuardRefused), match=message):
        connecting.begin(server, DEV, redirect_uri=BACK)
    assert Attempt.objects.count() == 0


def test_a_server_from_outside_leads_to_no_listed_address(
    protected: Protected, settings: Any
) -> None:
    server = a_server(protected)
    settings.INTERNAL_ADDRESSES = [protected.addresses[0]]
    with pytest.raises((RegistryError, UpstreamError)):
        connecting.begin(server, DEV, redirect_uri=BACK)
    server.url = "https://outside.example/mcp"
    from registry.clients import web_of  # noqa: PLC0415  loads the MCP SDK

    assert web_of(server).internal_addresses == frozenset()
    assert protected.authority.asked == []


def test_a_configured_client_proves_itself_to_its_own_issuer_and_no_other(
    protected: Protected,
) -> None:
    authority = protected.authority
    authority.add_client("omni2", "s3cret-of-omni2", BACK)
    stored = {"client_id": "omni2", "client_secret": "s3cret-of-omni2", "scope": "few"}
    server = a_server(protected, **stored, issuer=authority.url)
    authority.resource_changes["authorization_servers"] = ["https://hostile.example"]

    account = connect(server)

    asked = dict(authority.asked)
    assert (asked["/authorize"]["client_id"], asked["/authorize"]["scope"]) == ("omni2", "few")
    assert "client_secret" not in asked["/token"]
    assert "s3cret-of-omni2" not in str(tokens.unseal(account.sealed))
    assert not RegisteredClient.objects.exists()


def test_a_secret_without_its_issuer_is_refused(protected: Protected) -> None:
    server = a_server(protected, client_id="omni2", client_secret="s3cret-of-omni2")
    with pytest.raises(CredentialMissing, match="issuer is needed"):
        connecting.begin(server, DEV, redirect_uri=BACK)
    assert protected.authority.asked == []


def test_disconnecting_removes_the_tokens_here_and_there(protected: Protected) -> None:
    server = a_server(protected)
    account = connect(server)
    refresh = tokens.held(account).refresh_token
    connecting.disconnect(account, who=WHO)
    connecting.disconnect(account, who=WHO)

    assert not ConnectedAccount.objects.exists()
    assert refresh not in protected.authority.refreshing
    with pytest.raises(NotConnected):
        tokens.token_of(server, DEV.number)
    actions = [e.detail["action"] for e in Entry.objects.filter(kind="person.changed")]
    assert sorted(actions) == ["account connected", "account disconnected"]


def test_an_authority_that_is_away_keeps_nobody_connected(protected: Protected) -> None:
    account = connect(a_server(protected))
    protected.authority.changes["revocation_endpoint"] = None
    Server.objects.update(url="https://elsewhere.example/mcp")
    connecting.disconnect(ConnectedAccount.objects.get(pk=account.pk), who=WHO)
    assert not ConnectedAccount.objects.exists()


def test_an_account_that_has_ended_can_be_let_go_of(protected: Protected) -> None:
    connect(a_server(protected))
    ConnectedAccount.objects.update(state="broken", sealed="")
    connecting.disconnect(ConnectedAccount.objects.get(), who=WHO)
    assert not ConnectedAccount.objects.exists()
    assert "/revoke" not in [path for path, _ in protected.authority.asked]


def test_the_sweep_removes_what_may_be_sent_no_more(protected: Protected) -> None:
    server = a_server(protected)
    connect(server)
    connect(server, EVE)
    go(server)
    Attempt.objects.update(ends_at=timezone.now() - timedelta(seconds=1))

    connecting.sweep(may_act={DEV.number})
    assert [a.person for a in ConnectedAccount.objects.all()] == [DEV.number]
    assert not Attempt.objects.exists()

    connecting.sweep(may_act={DEV.number})
    assert ConnectedAccount.objects.count() == 1

    Server.objects.update(url="https://elsewhere.example/mcp")
    connecting.sweep(may_act={DEV.number})
    assert not ConnectedAccount.objects.exists()
