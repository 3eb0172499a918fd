"""Budgets: so many requests, tokens and dollars for a person in a period, never a cent more.

A question holds one request and the most it may use before it starts (`hold`), looks again before
each turn of the model (`cover`), and when it ends what it really used is counted in place of what
it held (`settle`), in the transaction that ends it. Used and held together never exceed the limit:
whoever changes a meter or its holds has locked the meter's row.

What a person may use is their own limit, or else that of each role that counts for them. A limit
of their own holds for a super admin too; a role's does not. Windows are judged by the database's
clock.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Now

from accounts.errors import LimitReached, Number, plain
from accounts.models import Hold, Meter, UsageLimit, User
from audit import record
from audit.models import Entry
from audit.record import Who
from audit.stamps import Kept

NEAR_PERCENT = 80
_WORDS = {"requests": "requests", "tokens": "tokens", "cost": "dollars"}
_kept = Kept("accounts", of="budgets")


@dataclass(frozen=True)
class Amounts:
    """What a question uses of the model. A cost of None is unknown, which is not 0."""

    tokens: int
    cost: Decimal | None


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


# --- The way of a question ------------------------------------------------------------------------
def hold(user: User, holder: UUID, most: Amounts, *, who: Who) -> None:
    """Keep one request and at most `most`, or what is left, for the question `holder`.

    Raises LimitReached, and keeps nothing, when nothing is left of a kind.
    """
    assert most.cost is not None, "the most that a question may cost is known"
    with transaction.atomic():
        for meter in _locked_meters(user):
            lines = {line.kind: line for line in lines_of(meter)}
            _none_reached(lines.values())
            tokens, cost = lines.get("tokens"), lines.get("cost")
            Hold.objects.create(
                meter=meter,
                holder=holder,
                tokens=min(most.tokens, int(tokens.left)) if tokens else None,
                cost=min(most.cost, Decimal(cost.left)) if cost else None,
            )
            _save(meter, who)


def take(user: User, *, who: Who) -> None:
    """Count one request that uses no model, for good. Raises LimitReached."""
    with transaction.atomic():
        for meter in _locked_meters(user):
            _none_reached(line for line in lines_of(meter) if line.kind == "requests")
            meter.requests += 1
            _save(meter, who)


def is_holding(holder: UUID) -> bool:
    """Whether anything is held for the question: whether a budget bounds it."""
    return Hold.objects.filter(holder=holder).exists()


def cover(holder: UUID, used: Amounts, upcoming: Amounts) -> None:
    """Whether what is held covers what was used and the most that another turn may use.

    A limit that was lowered meanwhile counts as it is now. Raises LimitReached.
    """
    for row in Hold.objects.filter(holder=holder):
        meter = _timed().select_related("limit__role", "limit__user").get(pk=row.meter_id)
        lines = {line.kind: line for line in lines_of(meter)}
        if tokens := lines.get("tokens"):
            most = min(int(tokens.limit - tokens.used), _or(row.tokens, tokens.limit))
            if used.tokens + row.lost_tokens + upcoming.tokens > most:
                raise tokens.reached(_TOO_LITTLE)
        cost = lines.get("cost")
        if cost and used.cost is not None and upcoming.cost is not None:
            dollars = min(cost.limit - cost.used, _or(row.cost, cost.limit))
            if used.cost + row.lost_cost + upcoming.cost > dollars:
                raise cost.reached(_TOO_LITTLE)


_TOO_LITTLE = ", and what is left does not cover another turn of the model"


def _or(held: Any, limit: Any) -> Any:
    return limit if held is None else held


def lose(holder: UUID, most: Amounts) -> None:
    """A turn broke off, and nobody says what it used: it counts as the most it may have."""
    for row in Hold.objects.filter(holder=holder):
        Hold.objects.filter(pk=row.pk).update(
            lost_tokens=row.lost_tokens + most.tokens,
            lost_cost=row.lost_cost + (most.cost or 0),
        )


def settle(holder: UUID, used: Amounts, *, who: Who) -> list[Line]:
    """Count what the question really used in place of what it held; the lines that are near.

    A cost that is unknown counts as all that was held for it.
    """
    near: list[Line] = []
    with transaction.atomic():
        for row in Hold.objects.filter(holder=holder).order_by("meter__limit_id"):
            meter = _locked(Meter.objects.filter(pk=row.meter_id))
            if meter is None or not Hold.objects.filter(pk=row.pk).delete()[0]:
                continue
            known = used.cost if used.cost is not None else row.cost or Decimal(0)
            meter.requests += 1
            meter.tokens += used.tokens + row.lost_tokens
            meter.cost += known + row.lost_cost
            meter.unpriced += used.cost is None
            near += _save(meter, who)
    return near


def holders(before: datetime) -> list[UUID]:
    """The questions that have held something since before that time."""
    rows = Hold.objects.filter(created_at__lt=before)
    return list(rows.values_list("holder", flat=True).distinct())


def release(holder: UUID) -> None:
    """Give back what is held for a question that is no more."""
    Hold.objects.filter(holder=holder).delete()


# --- How it stands --------------------------------------------------------------------------------
def standing(user: User) -> list[Line]:
    """How this person stands with each kind of each of their limits."""
    meters = {meter.limit_id: meter for meter in _timed().filter(user=user)}
    found = []
    for limit in limits_of(user):
        meter = meters.get(limit.pk) or Meter(limit=limit, user=user)
        meter.limit = limit
        found += lines_of(meter)
    return found


def meters() -> QuerySet[Meter]:
    """All meters, as `lines_of` takes them."""
    return _timed().select_related("user", "limit__user", "limit__role")


def lines_of(meter: Meter) -> list[Line]:
    """How a meter stands at the database's time, with which it was read."""
    limit, now = meter.limit, getattr(meter, "now", None)
    if now is not None:
        meter.roll(now)
    bounds = {"requests": limit.max_requests, "tokens": limit.max_tokens, "cost": limit.max_cost}
    used: dict[str, Number] = {
        "requests": meter.requests,
        "tokens": meter.tokens,
        "cost": meter.cost,
    }
    held = _held(meter) if meter.pk else dict.fromkeys(bounds, 0)
    wait = None if now is None else max(1, math.ceil((meter.ends_at - now).total_seconds()))
    return [
        Line(
            kind=kind,
            whose=limit.whose,
            period_days=limit.period_days,
            limit=bound,
            used=used[kind],
            held=held[kind],
            resets_at=None if now is None else meter.ends_at,
            reset_seconds=wait,
        )
        for kind, bound in bounds.items()
        if bound is not None
    ]


def _held(meter: Meter) -> dict[str, Any]:
    sums = meter.holds.aggregate(requests=Count("id"), tokens=Sum("tokens"), cost=Sum("cost"))
    return {kind: value or 0 for kind, value in sums.items()}


# --- Meters ---------------------------------------------------------------------------------------
def _timed() -> QuerySet[Meter]:
    return Meter.objects.annotate(now=Now())


def _locked_meters(user: User) -> Iterator[Meter]:
    """The person's meters, one after the other, each locked and in the window that runs now."""
    for limit in limits_of(user):
        rows = Meter.objects.filter(limit=limit, user=user)
        meter = _locked(rows)
        if meter is None:
            fresh = Meter(limit=limit, user=user, began_at=Now())
            Meter.objects.bulk_create([fresh], ignore_conflicts=True)
            meter = _locked(rows)
        if meter is not None:
            meter.limit = limit
            yield meter


def _locked(rows: QuerySet[Meter]) -> Meter | None:
    # By its key: the usual order joins tables that PostgreSQL does not lock.
    meter = rows.order_by("pk").annotate(now=Now()).select_for_update().first()
    if meter is not None:
        meter.roll(meter.now)
    return meter


def _none_reached(lines: Iterable[Line]) -> None:
    for line in lines:
        if line.left <= 0:
            raise line.reached()


def _save(meter: Meter, who: Who) -> list[Line]:
    """Save the meter; the lines that are near their limit, which the record says once a window."""
    near = [line for line in lines_of(meter) if line.percent >= NEAR_PERCENT]
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
