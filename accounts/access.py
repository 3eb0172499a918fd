"""From rows to a decision: the policy in force, and one person as it sees them.

Whoever changes a rule, a role or a team calls `publish` in the same transaction; until then nothing
changes. What is read here is kept for as long as the database says that nothing of it has changed
(`audit.stamps`), so a new version, a role taken away or a key revoked is in force at the very next
call in every process.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from django.db import DatabaseError, transaction
from django.db.models import Prefetch
from django.utils import timezone

from accounts import difference, effects, targets
from accounts.authority import Right, powers_of
from accounts.document import Document, build_document
from accounts.effects import Snapshot
from accounts.errors import PolicyUnavailable
from accounts.models import ApiKey, PolicyVersion, Rule, ServerGrant, Team, User
from accounts.policy import Grant, Policy, PolicyError, Subject, compile_policy, digest_of
from audit.copies import copy_of
from audit.stamps import Kept

KEPT_VERSIONS = 8
ATTRIBUTES = ("allowed_databases", "allowed_domains")

_compiled: dict[str, Policy] = {}
_lock = threading.Lock()
_kept = Kept("accounts", of="people, keys and the policy")


def publish(author: str, note: str = "", *, before: Snapshot | None = None) -> PolicyVersion:
    """Put the rows into force and return their version: a new one only when something changed.

    The version keeps what it says otherwise than the one before, and what that gives and takes;
    `before` is what held earlier in this transaction, where it changed people or tools as well.
    Raises PolicyError, and changes nothing, when the rows do not make a policy.
    """
    with transaction.atomic():
        # Two who publish at once take turns, so that the newest version holds the changes of both.
        PolicyVersion.objects.select_for_update().order_by("-id").first()
        document = build_document()
        digest = compile_policy(document).digest
        newest = PolicyVersion.objects.order_by("-id").first()
        if newest is not None and newest.digest == digest:
            return newest
        old = newest.document if newest else {}
        after = snapshot(document)
        before = before or replace(after, document=old, policy=compile_policy(old))
        changes = effects.between(before, after, timezone.now())
        return PolicyVersion.objects.create(
            digest=digest,
            document=document,
            author=author,
            note=note,
            difference="\n".join(difference.rules(old, document)),
            effect=[change.as_json() for change in changes],
        )


def snapshot(document: Document | None = None) -> Snapshot:
    """Everything that decisions rest on now; by default with the policy that the rows make."""
    document = build_document() if document is None else document
    grants = Prefetch("grants", ServerGrant.objects.unexpired(), to_attr="holding")
    people = User.objects.select_related("role").prefetch_related("teams", grants)
    return Snapshot(
        document,
        compile_policy(document),
        {user.email: _as_seen(user, user.teams.all(), user.holding) for user in people},
        targets.known(),
    )


def current() -> tuple[Policy, str]:
    """The policy in force and its version's digest.

    A house without a single rule has the policy that denies. Raises PolicyUnavailable when there
    are rules and no version of them, or a version that cannot be read: then nobody may do anything.
    """
    try:
        policy = _kept.get("policy", _newest)
    except (DatabaseError, PolicyError) as error:
        raise PolicyUnavailable(
            "The policy cannot be read; nothing is allowed meanwhile."
        ) from error
    return policy, policy.digest


def _newest() -> Policy:
    digest = PolicyVersion.objects.order_by("-id").values_list("digest", flat=True).first()
    return _first_policy() if digest is None else _compiled.get(digest) or _load(digest)


def compiled() -> int:
    """How many policies this process keeps compiled; each by its digest, so none is ever stale."""
    return len(_compiled)


def key_of(prefix: str) -> ApiKey | None:
    """The API key of this prefix with its person and their role, as the rows are now.

    Shared by all threads: nobody changes it. Whether it still may be used is asked anew each time.
    """
    return _kept.get(("key", prefix), lambda: stored_key(prefix))


def stored_key(prefix: str) -> ApiKey | None:
    """The API key of this prefix, read from its row."""
    return ApiKey.objects.select_related("user__role").filter(prefix=prefix).first()


def person_of(key: ApiKey) -> User:
    """The key's person, as an object of the caller's own."""
    return copy_of(key.user)


def subject_now(user: User, *, key: str, only_servers: frozenset[str] | None) -> Subject:
    """The person as the policy sees them now, whatever has become of their rights since.

    `key` is the prefix of the API key they came with: a key that may no longer be used reaches
    nothing. Without one, `only_servers` narrows them. Raises User.DoesNotExist.
    """
    if key:
        found = key_of(key)
        usable = found is not None and found.user_id == user.pk and found.usable()
        only_servers = _reach_of(found) if found is not None and usable else frozenset()
    place = ("subject", user.pk, only_servers)
    return _kept.get(place, lambda: subject_of(_read_person(user.pk), only_servers))


def _reach_of(key: ApiKey) -> frozenset[str] | None:
    return frozenset(key.servers) if key.servers else None


def _read_person(pk: int) -> User:
    return User.objects.select_related("role").get(pk=pk)


def subject_of(user: User, only_servers: frozenset[str] | None = None) -> Subject:
    """The person as the policy sees them: `user` as it was read, teams and grants read now.

    Grants stand there with their end: whether one has ended by now the policy says.
    """
    return _as_seen(user, user.teams.all(), user.grants.unexpired(), only_servers)


def _as_seen(
    user: User,
    teams: Iterable[Team],
    grants: Iterable[ServerGrant],
    only_servers: frozenset[str] | None = None,
) -> Subject:
    return Subject(
        person=user.email,
        role=user.role.name if user.role else None,
        teams=tuple(sorted(team.key for team in teams)),
        super_admin=user.is_superuser,
        status=user.standing(),
        allowed_mcps=user.allowed_mcps,
        grants=tuple(Grant(one.server, _texts(one.tools), one.expires_at) for one in grants),
        attributes=_attributes(user),
        only_servers=only_servers,
        views_record=Right.VIEW_AUDIT_LOGS in powers_of(user),
    )


def _attributes(user: User) -> Mapping[str, Literal["*"] | tuple[str, ...]]:
    own = ((name, getattr(user, name)) for name in ATTRIBUTES)
    return {
        name: "*" if value == "*" else _texts(value) for name, value in own if value is not None
    }


def _texts(value: object) -> tuple[str, ...]:
    """A list of texts as it should be stored; anything else counts as an empty one."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return ()
    return tuple(value)


def _first_policy() -> Policy:
    if Rule.objects.exists():
        raise PolicyError("policy", "there are rules, but no version of them was ever published")
    document: Document = {"default_effect": "deny"}
    return _compiled.get(digest_of(document)) or _keep(compile_policy(document))


def _load(digest: str) -> Policy:
    version = PolicyVersion.objects.filter(digest=digest).order_by("-id").first()
    policy = compile_policy(version.document if version else {})
    if policy.digest != digest:
        raise PolicyError("policy", "the stored document is not the one its digest names")
    return _keep(policy)


def _keep(policy: Policy) -> Policy:
    with _lock:
        while len(_compiled) >= KEPT_VERSIONS:
            _compiled.pop(next(iter(_compiled)))
        _compiled[policy.digest] = policy
    return policy
