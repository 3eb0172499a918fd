"""How people stand with their limits: told to themselves, and to administrators of others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts import limits, meters
from accounts.models import Role, User
from accounts.models.rules import default_roles
from gateway.models import Question

Limits = list[dict[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """Whose usage is asked for; what is empty leaves nobody out."""

    person: str = ""
    role: str = ""
    search: str = ""
    near: bool = False


def people(wanted: Wanted) -> QuerySet[User]:
    """Whoever is wanted, in the order of their addresses."""
    found = User.objects.select_related("role").order_by("email")
    if wanted.person:
        found = found.filter(email=wanted.person.lower())
    if wanted.role:
        found = found.filter(_has(wanted.role))
    if wanted.search:
        part = wanted.search
        found = found.filter(Q(email__icontains=part) | Q(name__icontains=part))
    return found.filter(pk__in=meters.near()) if wanted.near else found


def _has(role: str) -> Q:
    """Those for whom the role counts, as `User.roles` says it."""
    roles = Role.objects.filter(name=role)
    in_teams = User.objects.filter(teams__default_role__isnull=False)
    found = Q(role__in=roles) | Q(role=None, teams__default_role__in=roles)
    if any(one.name == role for one in default_roles()):
        found |= Q(role=None) & ~Q(pk__in=in_teams.values("pk"))
    return Q(pk__in=User.objects.filter(found).values("pk"))


def of(users: Sequence[User]) -> dict[int, Limits]:
    """How each of these people stands with every limit that holds for them, by their keys."""
    budgets, rates, running = meters.standing_of(users), _rates(users), _running(users)
    return {
        user.pk: [
            *rates[user.pk],
            *_at_once(user, running.get(user.pk, 0)),
            *(line.as_detail() for line in budgets[user.pk]),
        ]
        for user in users
    }


def _rates(users: Sequence[User]) -> dict[int, Limits]:
    found: dict[int, Limits] = {user.pk: [] for user in users}
    pairs = [(user.pk, one) for user in users for one in limits.requests_of(user)]
    counted = limits.standing([one for _, one in pairs])
    for (pk, one), (_, count) in zip(pairs, counted, strict=True):
        wait = round(count.reset_seconds) if count.used else None
        found[pk].append(_line(one.kind, one.whose, one.rate.limit, used=count.used, wait=wait))
    return found


def _running(users: Sequence[User]) -> dict[int, int]:
    rows = Question.objects.active().filter(person__in=users).order_by()
    counted = rows.values("person").annotate(running=Count("pk"))
    return {row["person"]: row["running"] for row in counted}


def _at_once(user: User, running: int) -> Iterator[dict[str, Any]]:
    limit, whose = limits.at_once(user)
    if limit:
        yield _line("concurrent_requests", whose, limit, used=running, wait=None)


def _line(kind: str, whose: str, limit: int, *, used: int, wait: int | None) -> dict[str, Any]:
    resets_at = None if wait is None else (timezone.now() + timedelta(seconds=wait)).isoformat()
    return {
        "kind": kind,
        "whose": whose,
        "period_days": None,
        "limit": limit,
        "used": used,
        "held": 0,
        "percent": 100 * used // limit,
        "resets_at": resets_at,
        "reset_seconds": wait,
    }
