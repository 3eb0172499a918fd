"""API keys are made and stopped, on the record.

A key acts as its person and never does more than what made it: a key that was asked for by another
key has no scope, no server and no day that the other one lacks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import access, targets
from accounts.errors import BadValue, Conflict, NotAllowed
from accounts.models import ApiKey, User
from accounts.policy import Effect, effects
from audit import record
from audit.models import Entry
from audit.record import Who

USUAL_SCOPES = (ApiKey.Scope.QUERY, ApiKey.Scope.TOOLS, ApiKey.Scope.READ)
MOST_KEYS = 50


@dataclass(frozen=True)
class Wanted:
    """What a new key is to be: no servers is every server, no days the days it usually has."""

    name: str
    scopes: Iterable[str] = USUAL_SCOPES
    servers: Iterable[str] = field(default=())
    days: int | None = None


def issue(
    person: User, wanted: Wanted, *, who: Who, through: ApiKey | None = None
) -> tuple[ApiKey, str]:
    """Make a key for the person and return it with its full text, which is kept nowhere.

    `through` is the key that the request came with. Raises BadValue, which names the field,
    NotAllowed for more than that key has, Conflict for more keys than anybody needs.
    """
    name = wanted.name.replace("\x00", "").strip()
    if not name or len(name) > 128:
        raise BadValue("A key needs a name of at most 128 characters.", field="name")
    scopes, servers = _scopes(wanted, through), _servers(person, wanted, through)
    days = _days(wanted, through)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        if person.api_keys.filter(revoked_at=None).count() >= MOST_KEYS:
            raise Conflict(f"There are {MOST_KEYS} keys already; revoke one first.")
        expires_at = timezone.now() + days if days else None
        if through is not None and through.expires_at is not None and expires_at is not None:
            expires_at = min(expires_at, through.expires_at)
        key, text = ApiKey.issue(
            person, name, scopes=scopes, servers=servers, expires_at=expires_at
        )
        facts = {"scopes": scopes, "servers": servers, "expires_at": str(expires_at)}
        _record(Entry.Kind.KEY_ISSUED, key, who, **facts)
    return key, text


def revoke(key: ApiKey, *, who: Who) -> bool:
    """Stop the key at once and for good; False when it was stopped already."""
    with transaction.atomic():
        row = ApiKey.objects.select_for_update().get(pk=key.pk)
        if row.revoked_at is not None:
            return False
        row.revoke()
        _record(Entry.Kind.KEY_REVOKED, key, who)
    key.revoked_at = row.revoked_at
    return True


def most_days() -> int | None:
    """The longest a key may live; None for ever."""
    return settings.KEY_MAX_DAYS or None


def _scopes(wanted: Wanted, through: ApiKey | None) -> list[str]:
    scopes = list(dict.fromkeys(wanted.scopes))
    if not scopes or not set(scopes) <= set(ApiKey.Scope.values):
        raise BadValue(f"Choose from: {', '.join(ApiKey.Scope.values)}.", field="scopes")
    if through is not None and not set(scopes) <= set(through.scopes):
        raise NotAllowed("The key you came with lacks one of these scopes.", field="scopes")
    return scopes


def _servers(person: User, wanted: Wanted, through: ApiKey | None) -> list[str]:
    servers = list(dict.fromkeys(wanted.servers))
    if not all(server and len(server) <= 64 and server.isprintable() for server in servers):
        raise BadValue("These are names of servers.", field="servers")
    within = through.servers if through is not None else []
    if within and not set(servers) <= set(within):
        raise NotAllowed("The key you came with does not reach all of these.", field="servers")
    _require_usable(person, servers, within)
    return servers or list(within)


def _require_usable(person: User, servers: list[str], within: list[str]) -> None:
    """A server that is not there and one that the person may not use are the same to them."""
    if not servers:
        return
    usable = _usable(person, frozenset(within) or None)
    if missing := [server for server in servers if server not in usable]:
        known = ", ".join(sorted(usable)) or "none"
        raise BadValue(
            f"{person.email} has no use of: {', '.join(missing)}. Servers they may use: {known}.",
            field="servers",
        )


def _usable(person: User, within: frozenset[str] | None) -> set[str]:
    """The servers of which the policy lets this person call anything now."""
    every = targets.everything()
    subject, policy = access.subject_of(person, within), access.current()[0]
    found = effects(policy, subject, every, timezone.now())
    return {one.server for one, effect in zip(every, found, strict=True) if effect != Effect.DENY}


def _days(wanted: Wanted, through: ApiKey | None) -> timedelta | None:
    """How long the key lives; 0 days is for ever, where that may be."""
    most = most_days()
    days = settings.KEY_DAYS if wanted.days is None else wanted.days
    if days < 0 or (most is not None and not 1 <= days <= most) or days > 36_500:
        limit = most or 36_500
        raise BadValue(f"A key lives for 1 to {limit} days.", field="days")
    if not days and through is not None and through.expires_at is not None:
        raise NotAllowed("The key you came with does not last for ever.", field="days")
    return timedelta(days=days) if days else None


def _record(kind: Entry.Kind, key: ApiKey, who: Who, **facts: object) -> None:
    detail = {"person": key.user.email, "name": key.name, "prefix": key.prefix}
    record.write(kind, Entry.Outcome.OK, who=who, detail=detail | facts)
