"""The token that a call is sent with: whose it is, where it may go, fetched anew in time.

A token is sealed together with its person, its server and the server's address; where one of them
is another, it is not sent. The next one is fetched by whoever claims that in the database: by one
thread of one process, while the others wait for what it brings.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from audit import record, redact
from audit.models import Entry
from registry import clients
from registry.connected import NOBODY, ConnectedAccount
from registry.credentials import remember, seal, unseal
from registry.errors import (
    AuthorizationFailed,
    CredentialUnreadable,
    NotConnected,
    TokenRefused,
)
from registry.mcp.errors import UpstreamError
from registry.models import Server
from registry.waiting import release_connection

if TYPE_CHECKING:
    from registry.oauth.grants import Grant, Tokens

State = ConnectedAccount.State

# Longer than the request for a token may take, and than finding out whom to ask for the gateway's
# own; then whoever claimed it is taken for dead.
HOLD, OWN_HOLD = timedelta(seconds=20), timedelta(minutes=1)
WAIT_SECONDS = 25.0
LOOK_AGAIN = 0.05
# A token is renewed so long before its end, or in the last quarter of a short life.
MARGIN = timedelta(minutes=1)
# After a trouble that may pass nobody tries again for so long.
PAUSE = timedelta(seconds=5)
# So many tokens of late are looked for in what is recorded.
REMEMBERED = 500

_remembered: OrderedDict[str, None] = OrderedDict()


@dataclass(frozen=True)
class Held:
    """What is sealed in an account: its tokens, and all that they are bound to."""

    person: int
    server: int
    url: str
    issuer: str
    token_endpoint: str
    resource: str
    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""
    revocation_endpoint: str = ""
    # Who we were when they were given; see `registry.clients.kept`.
    client: Mapping[str, str] = field(default_factory=dict, repr=False)


def token_of(server: Server, person: int) -> str:
    """The access token to send to this server now for this person, or for NOBODY the gateway's.

    Raises NotConnected, AuthorizationFailed, NotReady (a credential that is missing or unreadable)
    and UpstreamError; nothing has been sent to the server then.
    """
    account = _account(server, person)
    if account.is_due:
        account = _renewed(account)
    if not account.is_usable:
        raise AuthorizationFailed(account.problem or f"server {server.name}: its token has ended")
    return _token(account)


def token_after(server: Server, person: int, *, refused: str) -> str:
    """Another token than the one the server just refused. Raises as `token_of` does."""
    account = _account(server, person)
    if account.sealed and held(account).access_token == refused:
        account = _renewed(account)
    return _token(account)


def require_account(server: Server, person: int) -> None:
    """Raise NotConnected where this person has to connect an account first. Asks nobody."""
    if server.authentication == Server.Authentication.OAUTH:
        _account(server, person)


def listing_person(server: Server) -> int | None:
    """By whose account the server's tools are listed: of those that work, the first connected."""
    if server.authentication != Server.Authentication.OAUTH:
        return NOBODY
    working = server.accounts.of_people().filter(state=State.CONNECTED, url=server.url)
    return working.order_by("connected_at", "pk").values_list("person", flat=True).first()


def held(account: ConnectedAccount) -> Held:
    """What the account holds. Raises CredentialUnreadable; NotConnected when it is another's."""
    try:
        found = Held(**unseal(account.sealed))
    except TypeError:
        raise CredentialUnreadable(
            "a stored token is not in the form this version writes",
            hint="It has to be connected again.",
        ) from None
    if (found.person, found.server, found.url) != (account.person, account.server_id, account.url):
        raise NotConnected(account.server.name, again=True)
    return found


def columns(found: Held, tokens: "Tokens") -> dict[str, Any]:
    """The columns of an account that holds these tokens from now on."""
    now, renewable = timezone.now(), bool(tokens.refresh_token) or found.person == NOBODY
    life = None if tokens.expires_in is None else timedelta(seconds=tokens.expires_in)
    values = asdict(found) | {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
    }
    return {
        "sealed": seal(values),
        "scope": tokens.scope,
        "state": State.CONNECTED,
        "problem": "",
        "renewed_at": now,
        "renew_at": None if life is None else now + life - renewable * min(MARGIN, life / 4),
        "expires_at": None if life is None else now + life,
    }


def _account(server: Server, person: int) -> ConnectedAccount:
    if person == NOBODY:
        return _own_account(server)
    account = ConnectedAccount.objects.filter(server=server, person=person).first()
    if account is None:
        raise NotConnected(server.name)
    account.server = server
    if account.url != server.url or account.state == State.BROKEN:
        raise NotConnected(server.name, again=True)
    return account


def _own_account(server: Server) -> ConnectedAccount:
    """The gateway's own, perhaps without a token yet, or with none for this address."""
    rows = ConnectedAccount.objects
    account, _ = rows.get_or_create(server=server, person=NOBODY, defaults={"url": server.url})
    if account.url != server.url:
        anew = {"url": server.url, "sealed": "", "renew_at": None, "problem": ""}
        account.settle(**anew, generation=account.generation + 1)
        account.refresh_from_db()
    return account


def _token(account: ConnectedAccount) -> str:
    token = held(account).access_token
    _remembered[token] = None
    _remembered.move_to_end(token)
    remember(token)
    if len(_remembered) > REMEMBERED:
        redact.forget(_remembered.popitem(last=False)[0])
    return token


def _renewed(account: ConnectedAccount) -> ConnectedAccount:
    """The account with the tokens that come after these, fetched by us or by who was first.

    Where they do not come for now, it may be the account as it is.
    """
    was_due, deadline = account.is_due, time.monotonic() + WAIT_SECONDS
    while not account.claim(OWN_HOLD if account.person == NOBODY else HOLD):
        if time.monotonic() >= deadline:
            raise AuthorizationFailed(f"server {account.server.name}: no new token came in time")
        time.sleep(LOOK_AGAIN)
        latest = _account(account.server, account.person)
        if latest.generation != account.generation or (was_due and not latest.is_due):
            return latest
    return _fetched(account)


def _fetched(account: ConnectedAccount) -> ConnectedAccount:
    """Fetch the next tokens; the claim is ours. What the fetching ends with ends the claim."""
    release_connection()
    try:
        values = _next_tokens(account)
    except TokenRefused as error:
        raise _refused(account, error) from None
    except (AuthorizationFailed, UpstreamError) as error:
        problem = f"server {account.server.name}: {error}"
        account.settle(problem=problem, renew_at=timezone.now() + PAUSE)
    except BaseException:
        account.settle()
        raise
    else:
        account.settle(**values, generation=account.generation + 1)
    return _account(account.server, account.person)


def _next_tokens(account: ConnectedAccount) -> dict[str, Any]:
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    server, web = account.server, clients.web_of(account.server)
    if account.person == NOBODY:
        found, grant = _own_grant(account)
        return columns(found, grants.client_credentials(grant, web))
    found = held(account)
    if not found.refresh_token:
        raise TokenRefused("it has ended, and there is none to renew it with", reason="no_refresh")
    client = clients.again(server, found.client)
    if client is None or not clients.is_issuer(server, found.issuer):
        raise TokenRefused("the server's configuration names another client", reason="no_client")
    grant = grants.Grant(found.token_endpoint, client, found.resource, found.scope)
    return columns(found, grants.refresh(grant, web, refresh_token=found.refresh_token))


def _own_grant(account: ConnectedAccount) -> tuple[Held, "Grant"]:
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    server = account.server
    resource, authority = clients.found(server)
    client = clients.configured(server, authority)
    if client is None:
        raise AuthorizationFailed(f"server {server.name}: its client_id is missing")
    grant = grants.Grant(authority.token_endpoint, client, resource.name, resource.scope)
    bound = Held(
        person=NOBODY,
        server=server.pk,
        url=server.url,
        issuer=authority.issuer,
        token_endpoint=authority.token_endpoint,
        resource=resource.name,
        access_token="",
    )
    return bound, grant


def _refused(account: ConnectedAccount, error: TokenRefused) -> Exception:
    """Remove the tokens that are of no use any more, on the record; what to raise."""
    own = account.person == NOBODY
    with transaction.atomic():
        ours = account.settle(
            state=State.CONNECTED if own else State.BROKEN,
            problem=f"server {account.server.name}: {error.message}",
            sealed="",
            renew_at=timezone.now() + PAUSE,
            generation=account.generation + 1,
        )
        if ours:
            record.write(
                Entry.Kind.PERSON_CHANGED if not own else Entry.Kind.SERVER_CHANGED,
                Entry.Outcome.FAILED,
                server=account.server.name,
                error_code=error.reason,
                detail={"action": "token not renewed", "person": account.name},
            )
    if own:
        return AuthorizationFailed(f"server {account.server.name}: {error.message}")
    return NotConnected(account.server.name, again=True)
