"""People's own accounts at servers where everybody has one: seen, connected, let go of.

Page and REST use these verbs. Which servers there are for somebody is the policy's word: a server
of which they may call nothing is not there for them, here as little as elsewhere.
"""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings
from django.utils import timezone

from accounts import access
from accounts.models import User
from accounts.policy import Effect, Target, decide
from gateway import toolbox
from gateway.asker import Asker
from gateway.errors import NotFound, connect_url
from registry import connecting, discovery
from registry.connecting import Person, Return, Way
from registry.errors import RegistryError
from registry.models import ConnectedAccount, Server
from registry.oauth.introduction import can_be_an_id

NONE = "none"
State = ConnectedAccount.State


@dataclass(frozen=True)
class OwnAccount:
    """A server where this person may connect an account, and the one they have, if any."""

    server: Server
    account: ConnectedAccount | None = None

    @property
    def state(self) -> str:
        """ "none", "connected", or "broken": to be connected again."""
        if self.account is None:
            return NONE
        return self.account.state if self.account.url == self.server.url else State.BROKEN

    @property
    def connect_url(self) -> str:
        return connect_url(self.server.name)


def overview(asker: Asker) -> list[OwnAccount]:
    """Every server where this person may connect an account, or has one, by name."""
    personal = Server.objects.enabled().filter(authentication=Server.Authentication.OAUTH)
    have = {one.server_id: one for one in ConnectedAccount.objects.filter(person=asker.user.pk)}
    return [
        OwnAccount(server, have.get(server.pk))
        for server in personal.prefetch_related("tools")
        if server.pk in have or _is_open(server, asker)
    ]


def begin(asker: Asker, name: str, *, session: str) -> Way:
    """Where the person's browser goes to connect their account. Raises NotFound, and as
    `registry.connecting.begin` does."""
    server = _find(asker, name)
    return connecting.begin(
        server,
        _person(asker, session),
        redirect_uri=callback_url(server.name),
        document_url=document_url(server.name),
    )


def finish(asker: Asker, name: str, back: Return, *, session: str) -> ConnectedAccount:
    """Keep what the browser came back with. Raises NotFound, and as `connecting.finish` does.

    The first account of a server is what its tools can be read with.
    """
    server = _find(asker, name)
    account = connecting.finish(server, _person(asker, session), back, who=asker.who)
    if server.synced_at is None:
        # A failure is on the record; the account is connected all the same.
        with suppress(RegistryError):
            discovery.sync(server)
    return account


def disconnect(asker: Asker, name: str) -> None:
    """Remove this person's tokens of the server. Raises NotFound when there are none."""
    rows = ConnectedAccount.objects.select_related("server")
    account = rows.filter(person=asker.user.pk, server__name=name).first()
    if account is None:
        raise NotFound("You have no account connected there.")
    connecting.disconnect(account, who=asker.who)


def callback_url(server: str) -> str:
    """The redirect address: one for each server, so that no other's answer is taken for its own."""
    return f"{settings.PUBLIC_URL}/connections/{quote(server)}/callback/"


def document_url(server: str) -> str:
    """Where the document about us for this server lies, which is our client id; "" for nowhere."""
    url = f"{settings.PUBLIC_URL}/connections/{quote(server)}/client.json"
    return url if settings.OAUTH_CLIENT_DOCUMENT and can_be_an_id(url) else ""


def sweep() -> None:
    """Remove the tokens of people who may not act any more, and of servers that have changed."""
    people = ConnectedAccount.objects.of_people().values("person")
    active = User.objects.filter(pk__in=people, is_active=True, status=User.Status.ACTIVE)
    connecting.sweep(may_act=list(active.values_list("pk", flat=True)))


def _find(asker: Asker, name: str) -> Server:
    server = Server.objects.enabled().filter(name=name).first()
    personal = server is not None and server.authentication == Server.Authentication.OAUTH
    if server is None or not personal or not _is_open(server, asker):
        raise NotFound("There is no server of this name where you could connect an account.")
    return server


def _is_open(server: Server, asker: Asker) -> bool:
    """Whether the policy lets this person call anything there.

    Before its tools are known, it is asked about one that only reads, and of which no rule speaks.
    """
    policy, _ = access.current()
    targets = [toolbox.target_of(tool) for tool in server.tools.all()]
    if not targets:
        targets = [Target(server.name, "unknown", tags=tuple(server.tags), read_only=True)]
    subject, now = asker.subject(), timezone.now()
    return any(decide(policy, subject, one, None, now).effect != Effect.DENY for one in targets)


def _person(asker: Asker, session: str) -> Person:
    return Person(asker.user.pk, asker.user.email, session)
