"""A person connects their own account at a server, and lets go of it again.

`begin` sends their browser to the server's authorization server; what comes back from there is good
once, for that person, in that browser, within ten minutes (`finish`). `disconnect`,
`disconnect_all` and `sweep` remove the tokens here, and tell the authorization server.
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from audit import record
from audit.models import Entry
from audit.record import Who
from registry import clients, tokens
from registry.connected import NOBODY, Attempt, ConnectedAccount, RegisteredClient
from registry.credentials import seal, unseal
from registry.errors import AttemptRefused, AuthorizationFailed, RegistryError
from registry.mcp.errors import UpstreamError
from registry.models import Server
from registry.waiting import release_connection

if TYPE_CHECKING:
    from registry.oauth.discovery import Authority
    from registry.oauth.grants import Grant

log = logging.getLogger(__name__)

ATTEMPT_LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Person:
    """Whose account it is, as this floor knows them, and the session their browser has."""

    number: int
    name: str
    session: str = field(repr=False)


@dataclass(frozen=True)
class Way:
    """Where the person's browser goes next, and what will be asked for there."""

    url: str
    host: str
    scope: str


@dataclass(frozen=True)
class Return:
    """What a browser brings back from an authorization server (RFC 6749, 4.1.2; RFC 9207)."""

    state: str
    code: str = field(default="", repr=False)
    issuer: str = ""
    error: str = ""


def begin(server: Server, person: Person, *, redirect_uri: str, document_url: str = "") -> Way:
    """Prepare an attempt, and say where it goes on.

    `document_url` is where the document about us for this server lies, "" where none does.
    Raises AuthorizationFailed, NotReady, UpstreamError; then nobody should be sent anywhere.
    """
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    _require_personal(server)
    release_connection()
    resource, authority = clients.found(server)
    _require_code_flow(authority)
    client = clients.client_at(server, authority, redirect_uri, document_url=document_url)
    scope = _with_refreshing(resource.scope, authority)
    grant = grants.Grant(authority.token_endpoint, client, resource.name, scope)
    state, verifier = secrets.token_urlsafe(32), grants.new_verifier()
    plan = {
        "bound": asdict(_bound(server, person, authority, grant)),
        "verifier": verifier,
        "redirect_uri": redirect_uri,
        "names_itself": authority.names_itself,
    }
    _keep(server, person, state=state, plan=plan)
    url = grants.authorization_url(
        authority, grant, redirect_uri=redirect_uri, state=state, verifier=verifier
    )
    return Way(url, urlsplit(url).netloc, scope)


def finish(server: Server, person: Person, back: Return, *, who: Who) -> ConnectedAccount:
    """Take what the browser brought for tokens, and keep them.

    Raises AttemptRefused where nobody was sent there like this, AuthorizationFailed, NotReady and
    UpstreamError. Whatever is raised is on the record.
    """
    try:
        plan = _claimed(server, person, back.state)
        found = tokens.Held(**plan["bound"])
        _check_return(server, found, back, must_name=plan["names_itself"])
        release_connection()
        account = _store(server, person, found, _exchanged(server, found, plan, code=back.code))
    except (RegistryError, UpstreamError) as error:
        record.write(
            Entry.Kind.PERSON_CHANGED,
            Entry.Outcome.REFUSED,
            who=who,
            server=server.name,
            error_code=error.code,
            detail={"action": "account not connected", "message": str(error)},
        )
        raise
    _note(account, "account connected", who)
    return account


def disconnect(account: ConnectedAccount, *, who: Who, because: str = "") -> None:
    """Remove the person's tokens, and tell the authorization server as far as it listens."""
    with transaction.atomic():
        if not ConnectedAccount.objects.filter(pk=account.pk).delete()[0]:
            return
        _note(account, "account disconnected", who, because=because)
    _revoke(account)


def disconnect_all(server: Server, *, who: Who, because: str) -> None:
    """Remove every token for the server; authorization servers are told once that is committed."""
    for account in server.accounts.select_related("server"):
        ConnectedAccount.objects.filter(pk=account.pk).delete()
        _note(account, "account disconnected", who, because=because)
        transaction.on_commit(partial(_revoke, account), robust=True)


def start_anew(server: Server) -> None:
    """Forget what was fetched for the server as it was: its address or its credential changes."""
    RegisteredClient.objects.filter(server=server).delete()
    ConnectedAccount.objects.filter(server=server, person=NOBODY).delete()


def sweep(*, may_act: Collection[int]) -> None:
    """Remove tokens of people who may not act, of servers that have moved, and old attempts."""
    Attempt.objects.filter(ends_at__lt=timezone.now()).delete()
    rows = ConnectedAccount.objects.select_related("server")
    for account in rows.of_people().exclude(person__in=may_act):
        disconnect(account, who=Who(), because="the person may not act")
    for account in rows.misplaced():
        disconnect(account, who=Who(), because="the server has changed")


def _require_personal(server: Server) -> None:
    if not server.takes_part or server.authentication != Server.Authentication.OAUTH:
        raise AttemptRefused(f"server {server.name} has no accounts of people")


def _require_code_flow(authority: "Authority") -> None:
    if not authority.authorization_endpoint:
        raise AuthorizationFailed(f"{authority.issuer} has no authorization_endpoint")
    if "S256" not in authority.challenge_methods:
        raise AuthorizationFailed(f"{authority.issuer} does not say that it checks PKCE (S256)")


def _with_refreshing(scope: str, authority: "Authority") -> str:
    """Ask for a refresh token where that takes a scope of its own."""
    asked = scope.split()
    if asked and "offline_access" in authority.scopes and "offline_access" not in asked:
        asked.append("offline_access")
    return " ".join(asked)


def _bound(server: Server, person: Person, authority: "Authority", grant: "Grant") -> tokens.Held:
    return tokens.Held(
        person=person.number,
        server=server.pk,
        url=server.url,
        issuer=authority.issuer,
        token_endpoint=authority.token_endpoint,
        revocation_endpoint=authority.revocation_endpoint,
        resource=grant.resource,
        scope=grant.scope,
        access_token="",
        client=clients.kept(server, grant.client),
    )


def _keep(server: Server, person: Person, *, state: str, plan: dict[str, Any]) -> None:
    Attempt.objects.create(
        server=server,
        person=person.number,
        state=_digest(state),
        browser=_digest(person.session),
        sealed=seal(plan),
        ends_at=timezone.now() + ATTEMPT_LASTS,
    )


def _claimed(server: Server, person: Person, state: str) -> dict[str, Any]:
    """The plan of the one attempt that this browser comes back from. It is used up."""
    attempt = Attempt.objects.filter(
        state=_digest(state), server=server, person=person.number, ends_at__gt=timezone.now()
    ).first()
    same = attempt is not None and hmac.compare_digest(attempt.browser, _digest(person.session))
    if attempt is None or not same or not Attempt.objects.filter(pk=attempt.pk).delete()[0]:
        raise AttemptRefused(
            "this answer belongs to no attempt of yours in this browser, or to an earlier one",
            hint="Begin again on the page of your connections.",
        )
    return unseal(attempt.sealed)


def _check_return(server: Server, found: tokens.Held, back: Return, *, must_name: bool) -> None:
    _require_personal(server)
    if found.url != server.url or not clients.is_issuer(server, found.issuer):
        raise AttemptRefused(f"server {server.name} has changed in the meantime")
    if (back.issuer or must_name) and back.issuer != found.issuer:
        raise AttemptRefused("the answer comes from another authorization server than was asked")
    if back.error:
        raise AuthorizationFailed("the authorization server, or you, said no")
    if not back.code:
        raise AttemptRefused("the answer holds no code")


def _exchanged(server: Server, found: tokens.Held, plan: dict[str, Any], *, code: str) -> Any:
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    client = clients.again(server, found.client)
    if client is None:
        raise AttemptRefused(f"server {server.name} has changed in the meantime")
    grant = grants.Grant(found.token_endpoint, client, found.resource, found.scope)
    return grants.exchange(
        grant,
        clients.web_of(server),
        code=code,
        verifier=plan["verifier"],
        redirect_uri=plan["redirect_uri"],
    )


def _store(server: Server, person: Person, found: tokens.Held, given: Any) -> ConnectedAccount:
    values = tokens.columns(found, given) | {
        "name": person.name,
        "url": server.url,
        "connected_at": timezone.now(),
        "claimed_until": None,
    }
    with transaction.atomic():
        # Two who come back at once take turns; whoever still renews the old row finds it gone.
        Server.objects.select_for_update().get(pk=server.pk)
        ConnectedAccount.objects.filter(server=server, person=person.number).delete()
        return ConnectedAccount.objects.create(server=server, person=person.number, **values)


def _revoke(account: ConnectedAccount) -> None:
    """Best effort: what counts is that the tokens are no longer here."""
    from registry.oauth import grants  # noqa: PLC0415  loads the MCP SDK

    try:
        found = tokens.held(account)
        client = clients.again(account.server, found.client)
        if client is not None and found.revocation_endpoint:
            token = found.refresh_token or found.access_token
            web = clients.web_of(account.server)
            grants.revoke(found.revocation_endpoint, client, token, web=web)
    except (RegistryError, UpstreamError) as error:
        log.info(
            "a token was not revoked", extra={"server": account.server.name, "why": error.code}
        )


def _note(account: ConnectedAccount, action: str, who: Who, *, because: str = "") -> None:
    record.write(
        Entry.Kind.PERSON_CHANGED,
        Entry.Outcome.OK,
        who=who,
        server=account.server.name,
        detail={"action": action, "person": account.name}
        | ({"because": because} if because else {}),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
