"""Versions of the policy: put into force on the record, compared, taken back.

Every door that changes rules, roles or teams calls `put_in_force` in the transaction of the change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import access, difference, document, effects
from accounts.effects import Change
from accounts.errors import Conflict, NotAllowed
from accounts.models import PolicyVersion, User
from accounts.policy import Policy, PolicyError, compile_policy
from audit import record
from audit.models import Entry
from audit.record import Who

# What one entry of the record says of who gains and loses; the version itself has all of it.
MOST_RECORDED = 200


@dataclass(frozen=True)
class Comparison:
    """What one version says otherwise than another, and what that gives and takes today."""

    rules: tuple[str, ...]
    effect: tuple[Change, ...]


def put_in_force(who: Who, note: str = "", **detail: Any) -> PolicyVersion:
    """Put the rows into force; a new version is on the record with all that it changed."""
    with transaction.atomic():
        before = newest()
        version = access.publish(who.person, note)
        if before is None or version.pk != before.pk:
            record.write(
                Entry.Kind.POLICY_CHANGED,
                Entry.Outcome.OK,
                who=who,
                policy_version=version.digest,
                detail=said_of(version) | detail,
            )
    return version


def newest() -> PolicyVersion | None:
    """The version in force."""
    return PolicyVersion.objects.order_by("-id").first()


def said_of(version: PolicyVersion) -> dict[str, Any]:
    """What the record says of a version: its number, the difference in rules and in effect."""
    return {
        "version": version.pk,
        "note": version.note,
        "difference": version.difference.splitlines(),
        "effect": lines(effect_of(version), most=MOST_RECORDED),
    }


def effect_of(version: PolicyVersion) -> list[Change]:
    """Who gained and lost what when the version came into force; empty where it is not known."""
    return [Change.from_json(kept) for kept in version.effect or ()]


def lines(changes: Iterable[Change], *, most: int | None = None) -> list[str]:
    """The changes in words, at most so many, with how many more there are."""
    said = [str(change) for change in changes]
    if most is None or len(said) <= most:
        return said
    return [*said[:most], f"and {len(said) - most} more"]


def compare(before: PolicyVersion, after: PolicyVersion) -> Comparison:
    """What `after` says otherwise than `before`, for the people and tools of today.

    Raises Conflict for a version whose document cannot be read.
    """
    policies = _policy_of(before), _policy_of(after)
    today = access.snapshot(after.document)
    earlier = replace(today, document=before.document, policy=policies[0])
    changes = effects.between(earlier, today, timezone.now())
    return Comparison(tuple(difference.rules(before.document, after.document)), tuple(changes))


def may_replace(user: User) -> bool:
    """Whether somebody may put another policy in force as a whole: an earlier version, or a draft.

    Only a super admin may: it can give anybody more, and whoever puts it in force too.
    """
    return user.is_superuser and user.may_act()


def require_roll_back(user: User) -> None:
    """Raises NotAllowed for anybody but a super admin."""
    if not may_replace(user):
        raise NotAllowed("Only a super admin rolls the policy back.")


def roll_back(version: PolicyVersion, *, who: Who) -> PolicyVersion:
    """Make the rules, and what roles and teams say of the policy, what this version says.

    That is a new version; it is returned. Raises Conflict for the version in force, for one that
    says the same, and for one whose document is not what its digest names.
    """
    with transaction.atomic():
        in_force = PolicyVersion.objects.select_for_update().order_by("-id").first()
        _policy_of(version)
        changes = document.restore(version.document)
        note = f"rolled back to version {version.pk}"
        made = put_in_force(who, note, rolled_back_to=version.pk, changes=changes)
        if in_force is not None and made.pk == in_force.pk:
            raise Conflict(f"Version {version.pk} says what is in force already.")
    return made


def _policy_of(version: PolicyVersion) -> Policy:
    try:
        policy = compile_policy(version.document)
    except PolicyError as error:
        raise Conflict(f"Version {version.pk} cannot be read: {error}") from None
    if policy.digest != version.digest:
        raise Conflict(f"Version {version.pk} is not the one that its digest names.")
    return policy
