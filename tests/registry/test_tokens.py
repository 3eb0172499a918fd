"""Tokens: sent only where they belong, renewed once, and gone when they are refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from audit.redact import redact_text
from registry import calling, discovery, health, tokens
from registry.connected import NOBODY, ConnectedAccount
from registry.errors import (
    AuthorizationFailed,
    CredentialMissing,
    CredentialUnreadable,
    NotConnected,
)
from registry.mcp.errors import HttpRefused
from registry.models import Server
from tests.fakes.authorization_server import Protected
from tests.registry.accounts import BACK, DEV, EVE, a_server, connect

pytestmark = pytest.mark.django_db

SHARED = pytest.mark.django_db(transaction=True)


def make_due(**values: Any) -> None:
    """Every token is about to end, or has ended."""
    now = timezone.now()
    ConnectedAccount.objects.update(renew_at=now, **values)


def eight(work: Callable[[], Any]) -> list[Any]:
    """What the work brings in eight threads that begin together."""
    barrier = Barrier(8)

    def one(_: int) -> Any:
        barrier.wait(5)
        try:
            return work()
        except Exception as error:
            return type(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(8)))


@SHARED
def test_of_eight_calls_at_once_one_renews_the_token(protected: Protected) -> None:
    server = a_server(protected)
    connect(server)
    discovery.sync(server)
    make_due()
    tool = server.tools.get(name="get_owner")

    said = eight(lambda: calling.call(server, tool, {}, person=DEV.number)["content"][0]["text"])

    assert said == ["dev"] * 8
    assert protected.authority.count("refresh_token") == 1


@SHARED
def test_when_renewing_is_refused_all_are_told_and_nothing_is_left(protected: Protected) -> None:
    server = a_server(protected)
    connect(server)
    make_due()
    protected.authority.refreshing.clear()

    said = eight(lambda: tokens.token_of(server, DEV.number))

    assert said == [NotConnected] * 8
    assert protected.authority.count("refresh_token") == 1
    account = ConnectedAccount.objects.get()
    assert (account.state, account.sealed, account.problem) == (
        "broken",
        "",
        "server crm: the authorization server gives no token: invalid_grant",
    )
    entry = Entry.objects.get(outcome="failed", kind="person.changed")
    assert (entry.server, entry.error_code, entry.detail["person"]) == (
        "crm",
        "invalid_grant",
        DEV.name,
    )
    assert connect(server).state == "connected"
    assert tokens.token_of(server, DEV.number) in protected.authority.tokens


def test_a_token_is_renewed_before_it_ends_and_not_sooner(protected: Protected) -> None:
    server = a_server(protected)
    minute, quarter, none = timedelta(minutes=1), timedelta(seconds=15), timedelta()
    lives = {
        (3600, True): minute,
        (60, True): quarter,
        (3600, False): none,
        (None, True): None,
    }
    for (lifetime, refreshes), margin in lives.items():
        protected.authority.lifetime, protected.authority.refreshes = lifetime, refreshes
        account = connect(server)
        assert not account.is_due
        ends, due = account.expires_at, account.renew_at
        assert (ends - due if ends and due else None) == margin


def test_the_new_token_is_the_one_that_is_sent_and_the_old_ones_are_over(
    protected: Protected,
) -> None:
    server = a_server(protected)
    first = tokens.held(connect(server))
    make_due()
    second = tokens.token_of(server, DEV.number)
    account = ConnectedAccount.objects.get()

    assert second != first.access_token
    assert tokens.held(account).refresh_token != first.refresh_token
    assert (account.generation, account.claimed_until) == (1, None)
    assert second not in redact_text(f"the upstream says {second}")


def test_a_refresh_token_that_is_not_replaced_goes_on(protected: Protected) -> None:
    server = a_server(protected)
    first = tokens.held(connect(server))
    make_due()
    given = protected.authority.give("dev")
    given.pop("refresh_token")
    protected.authority.refusal = (200, given)
    assert tokens.token_of(server, DEV.number) == given["access_token"]
    assert tokens.held(ConnectedAccount.objects.get()).refresh_token == first.refresh_token


@pytest.mark.parametrize(
    "refusal",
    [
        (503, {}),
        (429, {"error": "slow_down"}),
        (400, {"error": "temporarily_unavailable"}),
        (200, {}),
        (200, {"access_token": "a b", "token_type": "Bearer"}),
        (200, {"access_token": "abcdef", "token_type": "mac"}),
        (302, {}),
    ],
)
def test_a_trouble_that_may_pass_keeps_the_account(
    protected: Protected, refusal: tuple[int, dict[str, Any]]
) -> None:
    server = a_server(protected)
    token = tokens.held(connect(server)).access_token
    protected.authority.refusal = refusal

    make_due()
    assert tokens.token_of(server, DEV.number) == token, "it has not ended yet"
    make_due(expires_at=timezone.now())
    asked = protected.authority.count("refresh_token")
    for _ in range(3):
        with pytest.raises(AuthorizationFailed, match="server crm: .*(gives no token|token is no)"):
            tokens.token_of(server, DEV.number)
    assert protected.authority.count("refresh_token") == asked + 1, "not asked all the time"

    protected.authority.refusal = None
    make_due()
    assert tokens.token_of(server, DEV.number) in protected.authority.tokens


def test_whoever_claimed_the_renewal_and_died_is_replaced(protected: Protected) -> None:
    server = a_server(protected)
    account = connect(server)
    make_due()
    assert account.claim(timedelta(seconds=0.05))
    assert not ConnectedAccount.objects.get().claim(timedelta(seconds=5))
    assert tokens.token_of(server, DEV.number) in protected.authority.tokens
    assert protected.authority.count("refresh_token") == 1


def test_a_token_that_the_server_refuses_is_renewed_once_and_the_call_made_again(
    protected: Protected,
) -> None:
    server = a_server(protected)
    connect(server)
    discovery.sync(server)
    tool = server.tools.get(name="get_owner")
    protected.authority.tokens.clear()

    result = calling.call(server, tool, {}, person=DEV.number)

    assert result["content"][0]["text"] == "dev"
    assert protected.authority.count("refresh_token") == 1
    assert [name for name, _ in protected.upstream.calls] == ["get_owner"]


def test_a_server_that_refuses_every_token_is_told_and_costs_nobody_their_account(
    protected: Protected,
) -> None:
    server = a_server(protected)
    connect(server)
    discovery.sync(server)
    tool = server.tools.get(name="get_owner")
    protected.authority.tokens.clear()
    protected.authority.refusal = (200, {"access_token": "worthless", "token_type": "Bearer"})

    with pytest.raises(HttpRefused) as raised:
        calling.call(server, tool, {}, person=DEV.number)

    assert raised.value.status == 401
    assert protected.authority.count("refresh_token") == 1
    assert ConnectedAccount.objects.get().state == "connected"


def test_an_access_token_that_is_taken_back_with_nothing_to_renew_it_asks_to_connect_again(
    protected: Protected,
) -> None:
    protected.authority.refreshes = False
    server = a_server(protected)
    connect(server)
    discovery.sync(server)
    tool = server.tools.get(name="get_owner")
    protected.authority.tokens.clear()
    with pytest.raises(NotConnected, match="any more"):
        calling.call(server, tool, {}, person=DEV.number)
    assert protected.upstream.calls == []


# --- Bound to one person, one server, one address -------------------------------------------------
def test_a_token_goes_to_no_other_address(protected: Protected) -> None:
    server = a_server(protected)
    connect(server)
    server.url = "https://elsewhere.example/mcp"
    server.save()
    with pytest.raises(NotConnected, match="any more"):
        tokens.token_of(server, DEV.number)


def test_a_row_that_is_made_another_persons_gives_no_token(protected: Protected) -> None:
    server = a_server(protected)
    connect(server)
    ConnectedAccount.objects.update(person=EVE.number)
    with pytest.raises(NotConnected):
        tokens.token_of(server, EVE.number)

    Server.objects.update(url="https://elsewhere.example/mcp")
    ConnectedAccount.objects.update(person=DEV.number, url="https://elsewhere.example/mcp")
    with pytest.raises(NotConnected):
        tokens.token_of(Server.objects.get(), DEV.number)


def test_tokens_that_no_key_reads_are_not_sent(protected: Protected, settings: Any) -> None:
    server = a_server(protected)
    connect(server)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CredentialUnreadable):
        tokens.token_of(server, DEV.number)


def test_another_client_in_the_configuration_ends_what_the_first_one_was_given(
    protected: Protected,
) -> None:
    authority = protected.authority
    authority.add_client("one", "secret-of-one", BACK)
    server = a_server(
        protected, client_id="one", client_secret="secret-of-one", issuer=authority.url
    )
    connect(server)
    make_due()
    assert tokens.token_of(server, DEV.number) in authority.tokens

    other = tokens.seal(
        {"authentication": {"client_id": "two", "client_secret": "s", "issuer": authority.url}}
    )
    server.sealed = other
    make_due()
    with pytest.raises(NotConnected):
        tokens.token_of(server, DEV.number)
    assert authority.count("refresh_token") == 1


# --- Whose account lists the tools ----------------------------------------------------------------
def test_the_first_who_connected_lists_the_tools_and_the_next_takes_over(
    protected: Protected,
) -> None:
    server = a_server(protected)
    assert tokens.listing_person(server) is None
    connect(server, EVE)
    connect(server, DEV)
    assert tokens.listing_person(server) == EVE.number
    ConnectedAccount.objects.filter(person=EVE.number).update(state="broken")
    assert tokens.listing_person(server) == DEV.number


def test_before_anybody_has_connected_a_server_that_says_no_is_there(protected: Protected) -> None:
    server = a_server(protected)
    assert health.check(server).ok
    with pytest.raises(NotConnected, match="server crm: no account is connected"):
        discovery.sync(server)
    server.refresh_from_db()
    assert (server.health, server.last_error) == ("up", "")
    server.authentication = "none"
    assert not health.check(server).ok


# --- The gateway's own tokens ---------------------------------------------------------------------
def a_machine(protected: Protected, **change: str) -> Server:
    protected.authority.add_client("gateway", "secret-of-the-gateway")
    stored = {"client_id": "gateway", "client_secret": "secret-of-the-gateway"}
    return a_server(
        protected,
        kind="client_credentials",
        **stored | {"issuer": protected.authority.url, "scope": "notes"} | change,
    )


@SHARED
def test_with_client_credentials_all_calls_share_one_token(protected: Protected) -> None:
    server = a_machine(protected)
    discovery.sync(server)
    tool = server.tools.get(name="get_owner")

    said = eight(lambda: calling.call(server, tool, {}, person=DEV.number)["content"][0]["text"])

    assert said == ["the gateway"] * 8
    assert protected.authority.count("client_credentials") == 1
    (asked,) = [form for path, form in protected.authority.asked if path == "/token"]
    assert asked == {
        "grant_type": "client_credentials",
        "scope": "notes",
        "resource": protected.upstream.url,
    }
    make_due()
    assert tokens.token_of(server, NOBODY) in protected.authority.tokens
    assert protected.authority.count("client_credentials") == 2


def test_client_credentials_that_are_refused_are_tried_anew_after_a_while(
    protected: Protected,
) -> None:
    server = a_machine(protected, client_secret="not-the-secret")
    for _ in range(3):
        with pytest.raises(AuthorizationFailed, match="server crm: .* invalid_client"):
            tokens.token_of(server, NOBODY)
    assert protected.authority.asked[-1][0] == "/token"
    assert [path for path, _ in protected.authority.asked].count("/token") == 1
    protected.authority.add_client("gateway", "not-the-secret")
    make_due()
    assert tokens.token_of(server, NOBODY) in protected.authority.tokens


@pytest.mark.parametrize("missing", ["client_id", "client_secret", "issuer"])
def test_client_credentials_need_all_three(protected: Protected, missing: str) -> None:
    server = a_machine(protected, **{missing: ""})
    with pytest.raises(CredentialMissing, match=f"{missing} is needed"):
        tokens.token_of(server, NOBODY)


def test_the_gateways_own_token_goes_to_no_other_address(protected: Protected) -> None:
    server = a_machine(protected)
    first = tokens.token_of(server, NOBODY)
    server.url = f"{server.url}/other"
    server.save()
    assert tokens.token_of(server, NOBODY) != first
    assert protected.authority.count("client_credentials") == 2
