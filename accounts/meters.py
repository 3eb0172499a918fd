"""Who has which budget, and how it stands: what was used of it, what is held, when it is over.

What a person may use is their own limit, or else that of each role that counts for them. A limit
of their own holds for a super admin too; a role's does not. Windows are judged by the database's
clock. Whoever changes a meter or its holds has locked the meter's row.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.errors import LimitReached, Number, plain
from accounts.models import Meter, UsageLimit, User
from audit import record
from audit.models import Entry
from audit.record import Who
from audit.stamps import Kept

NEAR_PERCENT = 80
_WORDS = {"requests": "requests", "tokens": "tokens", "cost": "dollars"}
_kept = Kept("accounts", of="budgets")


@dataclass(frozen=True)
class Line:
    """How one kind of one limit stands: `used` for good, `held` for questions under way."""

    kind: str
    whose: str
    period_days: int
    limit: Number
    used: Number
    held: Number
    # None before the first use, with which the window begins.
    resets_at: datetime | None
    reset_seconds: int | None

    @property
    def left(self) -> Number:
        return self.limit - self.used - self.held

    @property
    def percent(self) -> int:
        """Of the limit; requests that are held have been made, the rest may come back."""
        used = self.used + (self.held if self.kind == "requests" else 0)
        return math.floor(100 * used / self.limit) if self.limit else 100

    @property
    def is_near(self) -> bool:
        """Whether so much is used that people are warned."""
        return self.percent >= NEAR_PERCENT

    def reached(self, note: str = "") -> LimitReached:
        return LimitReached(
            f"{_WORDS[self.kind]} in {self.period_days} days",
            kind=f"budget_{self.kind}",
            whose=self.whose,
            limit=self.limit,
            used=self.used,
            held=self.held,
            reset_seconds=self.reset_seconds,
            note=note,
        )

    def as_detail(self) -> dict[str, Any]:
        """As the record and an answer say it."""
        numbers = {"limit": self.limit, "used": self.used, "held": self.held}
        return {
            "kind": f"budget_{self.kind}",
            "whose": self.whose,
            "period_days": self.period_days,
            **{name: plain(number) for name, number in numbers.items()},
            "percent": self.percent,
            "resets_at": self.resets_at.isoformat() if self.resets_at else None,
            "reset_seconds": self.reset_seconds,
        }


# --- Who has which limit --------------------------------------------------------------------------
def limits_of(user: User) -> list[UsageLimit]:
    """The limits that hold for this person; shared by all threads, nobody changes them."""
    return _kept.get(("limits", user.pk), lambda: _read_limits(user.pk))


def _read_limits(pk: int) -> list[UsageLimit]:
    rows = UsageLimit.objects.select_related("user", "role").order_by("pk")
    if own := list(rows.filter(user=pk)):
        return own
    person = User.objects.select_related("role").get(pk=pk)
    return [] if person.is_superuser else list(rows.filter(role__in=person.roles()))


# --- How it stands --------------------------------------------------------------------------------
def standing(user: User) -> list[Line]:
    """How this person stands with each kind of each of their limits."""
    return standing_of([user])[user.pk]


def standing_of(users: Sequence[User]) -> dict[int, list[Line]]:
    """The same of several people, by their keys."""
    rows = timed().filter(user__in=users).prefetch_related("holds")
    meters = {(meter.user_id, meter.limit_id): meter for meter in rows}
    found: dict[int, list[Line]] = {}
    for user in users:
        lines = found[user.pk] = []
        for limit in limits_of(user):
            meter = meters.get((user.pk, limit.pk)) or Meter(limit=limit, user=user)
            meter.limit = limit
            lines += lines_of(meter)
    return found


def near() -> set[int]:
    """The keys of the people who are near one of their limits, or have reached it."""
    rows = timed().select_related("user", "limit__user", "limit__role").prefetch_related("holds")
    return {
        meter.user_id
        for meter in rows
        if any(line.is_near for line in lines_of(meter)) and meter.limit in limits_of(meter.user)
    }


def lines_of(meter: Meter) -> list[Line]:
    """How a meter stands at the database's time, with which it was read."""
    limit, now = meter.limit, getattr(meter, "now", None)
    # One that is over is followed by another with the next use, and not before.
    runs = now is not None and not meter.roll(now)
    bounds = {"requests": limit.max_requests, "tokens": limit.max_tokens, "cost": limit.max_cost}
    used: dict[str, Number] = {
        "requests": meter.requests,
        "tokens": meter.tokens,
        "cost": meter.cost,
    }
    held = _held(meter) if meter.pk else dict.fromkeys(bounds, 0)
    wait = max(1, math.ceil((meter.ends_at - now).total_seconds())) if runs and now else None
    return [
        Line(
            kind=kind,
            whose=limit.whose,
            period_days=limit.period_days,
            limit=bound,
            used=used[kind],
            held=held[kind],
            resets_at=meter.ends_at if runs else None,
            reset_seconds=wait,
        )
        for kind, bound in bounds.items()
        if bound is not None
    ]


def _held(meter: Meter) -> dict[str, Any]:
    holds = meter.holds.all()
    return {
        "requests": len(holds),
        "tokens": sum(hold.tokens or 0 for hold in holds),
        "cost": sum(hold.cost or 0 for hold in holds),
    }


def timed() -> QuerySet[Meter]:
    """Meters with the database's time, which `lines_of` judges their windows by."""
    return Meter.objects.annotate(now=Now())


# --- Changing one ---------------------------------------------------------------------------------
def locked_meters(user: User) -> Iterator[Meter]:
    """The person's meters, one after the other, each locked and in the window that runs now."""
    for limit in limits_of(user):
        rows = Meter.objects.filter(limit=limit, user=user)
        meter = locked(rows)
        if meter is None:
            fresh = Meter(limit=limit, user=user, began_at=Now())
            Meter.objects.bulk_create([fresh], ignore_conflicts=True)
            meter = locked(rows)
        if meter is not None:
            meter.limit = limit
            yield meter


def locked(rows: QuerySet[Meter]) -> Meter | None:
    """The first of the rows, locked and in the window that runs now."""
    # By its key: the usual order joins tables that PostgreSQL does not lock.
    meter = rows.order_by("pk").annotate(now=Now()).select_for_update().first()
    if meter is not None:
        meter.roll(meter.now)
    return meter


def save(meter: Meter, who: Who) -> list[Line]:
    """Save the meter; the lines that are near their limit, which the record says once a window."""
    near = [line for line in lines_of(meter) if line.is_near]
    if near and not meter.warned:
        meter.warned = True
        record.write(
            Entry.Kind.LIMIT_REACHED,
            Entry.Outcome.OK,
            who=who,
            detail={"near": [line.as_detail() for line in near]},
        )
    meter.save(update_fields=["began_at", "requests", "tokens", "cost", "unpriced", "warned"])
    return near
