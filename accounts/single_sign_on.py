"""Whom an identity provider's word makes somebody: the claims, and the person they stand for.

Somebody who came before is known by the link made then: the provider and its `sub`, whatever their
address has become. Who has no link is somebody here only by an address that the provider has
verified, of a domain that the settings name; nobody is found by any other claim.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import provisioning
from accounts.errors import NotAllowed
from accounts.models import Role, User
from accounts.policy import STANDINGS
from accounts.provisioning import Newcomer
from audit import record
from audit.models import Entry
from audit.record import Who


@dataclass(frozen=True)
class Identity:
    """What the provider says of somebody. `groups` are the values of the role claim."""

    provider: str
    subject: str
    email: str = ""
    verified: bool = False
    name: str = ""
    groups: tuple[str, ...] = ()


def identity_of(provider: str, said: Mapping[str, Any]) -> Identity:
    """The identity in an ID token and a userinfo answer; raises NotAllowed when they differ."""
    token, info = said.get("id_token") or {}, said.get("userinfo") or {}
    subjects = {str(part["sub"]) for part in (token, info) if part.get("sub")}
    if not token or len(subjects) != 1 or (info and not info.get("sub")):
        raise NotAllowed("The identity provider contradicts itself.")
    # Address and verification from the same answer: one never vouches for the other's.
    source = token if token.get("email") else info
    claim = settings.OIDC_ROLE_CLAIM
    groups = token.get(claim, info.get(claim)) if claim else None
    return Identity(
        provider=provider,
        subject=subjects.pop(),
        email=str(source.get("email") or "").strip().lower(),
        verified=source.get("email_verified") is True,
        name=str(info.get("name") or token.get("name") or ""),
        groups=_texts(groups),
    )


def person_for(identity: Identity, *, who: Who) -> User:
    """The person this is, made or linked now where that may be, with the role the claims say.

    Raises NotAllowed, with a sentence for the person, for somebody who may not come in.
    """
    try:
        with transaction.atomic():
            person = _known(identity) or _linked_now(identity, who=who)
            _follow_claims(person, identity, who=who)
    except IntegrityError:
        # Somebody with the same identity came in at the same time.
        known = _known(identity)
        if known is None:
            raise
        person = known
    return person


def known(provider: str, subject: str) -> User | None:
    """Who has come in by this provider as this subject before."""
    return _known(Identity(provider, subject))


def require_standing(person: User) -> None:
    """Raises NotAllowed for a person who may not act now."""
    standing = person.standing()
    if standing != "active":
        raise NotAllowed(f"This account may not log in: it {STANDINGS[standing]}.")


def _known(identity: Identity) -> User | None:
    links = SocialAccount.objects.select_related("user__role")
    link = links.filter(provider=identity.provider, uid=identity.subject).first()
    return link.user if link else None


def _linked_now(identity: Identity, *, who: Who) -> User:
    if not identity.verified or not identity.email:
        raise NotAllowed("The identity provider has not verified your e-mail address.")
    if identity.email.rpartition("@")[2] not in _domains():
        raise NotAllowed("Addresses of your domain may not come in.")
    person = User.objects.select_related("role").filter(email=identity.email).first()
    if person is None:
        newcomer = Newcomer(identity.email, identity.name)
        person = provisioning.enter(newcomer, who=who, role=_role_of(identity))
    elif SocialAccount.objects.filter(user=person, provider=identity.provider).exists():
        # The address was given to somebody else; the account was not.
        raise NotAllowed("This address belongs to another login of the identity provider.")
    if person is None:
        raise NotAllowed("Nobody has let you in yet. Ask an administrator.")
    SocialAccount.objects.create(user=person, provider=identity.provider, uid=identity.subject)
    _record(person, who, action="linked", provider=identity.provider)
    return person


def _follow_claims(person: User, identity: Identity, *, who: Who) -> None:
    """Give the role that the claims say; take back the one they gave and say no longer.

    A role that somebody else gave goes only where the claims say another.
    """
    if person.is_superuser or not settings.OIDC_ROLES:
        return
    said = _role_of(identity)
    from_claims = person.role is not None and person.role_id == person.claimed_role_id
    if said == person.role or (said is None and not from_claims):
        return
    before, role = person.role, said or _without_claims(person)
    User.objects.filter(pk=person.pk).update(role=role, claimed_role=said)
    person.role, person.claimed_role = role, said
    if role != before:
        names = [one.name if one else "" for one in (before, role)]
        _record(person, who, action="role", role=names)


def _without_claims(person: User) -> Role | None:
    rule = provisioning.rule_for(Newcomer(person.email))
    return rule.default_role if rule else None


def _role_of(identity: Identity) -> Role | None:
    """The first role of the map, in its order, whose claim value this identity has."""
    for value, name in settings.OIDC_ROLES.items():
        if value in identity.groups:
            return Role.objects.filter(name=name).first()
    return None


def _domains() -> set[str]:
    return {domain.strip().lower().lstrip("@") for domain in settings.OIDC_DOMAINS}


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _record(person: User, who: Who, **detail: object) -> None:
    record.write(
        Entry.Kind.PERSON_CHANGED,
        Entry.Outcome.OK,
        who=who,
        detail={"person": person.email, **detail},
    )
