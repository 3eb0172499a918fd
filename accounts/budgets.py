"""Budgets: so many requests, tokens and dollars for a person in a period, never a cent more.

A question holds one request and the most it may use before it starts (`hold`), looks again before
each turn of the model (`cover`), and when it ends what it really used is counted in place of what
it held (`settle`), in the transaction that ends it. While it waits for somebody it holds only what
it has used (`lay_aside`), and takes anew what is left when it goes on (`take_up`). Used and held
together never exceed the limit.
Whose they are and how they stand is `accounts.meters`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts import meters
from accounts.errors import Number
from accounts.meters import Line
from accounts.models import Hold, Meter, User
from audit.record import Who


@dataclass(frozen=True)
class Amounts:
    """What a question uses of the model. A cost of None is unknown, which is not 0."""

    tokens: int
    cost: Decimal | None


def hold(user: User, holder: UUID, most: Amounts, *, who: Who) -> None:
    """Keep one request and at most `most`, or what is left, for the question `holder`.

    Raises LimitReached, and keeps nothing, when nothing is left of a kind.
    """
    assert most.cost is not None, "the most that a question may cost is known"
    with transaction.atomic():
        for meter in meters.locked_meters(user):
            lines = {line.kind: line for line in meters.lines_of(meter)}
            _none_reached(lines.values())
            tokens, cost = lines.get("tokens"), lines.get("cost")
            Hold.objects.create(
                meter=meter,
                holder=holder,
                tokens=min(most.tokens, int(tokens.left)) if tokens else None,
                cost=min(most.cost, Decimal(cost.left)) if cost else None,
            )
            meters.save(meter, who)


def take(user: User, *, who: Who) -> None:
    """Count one request that uses no model, for good. Raises LimitReached."""
    with transaction.atomic():
        for meter in meters.locked_meters(user):
            _none_reached(line for line in meters.lines_of(meter) if line.kind == "requests")
            meter.requests += 1
            meters.save(meter, who)


def is_holding(holder: UUID) -> bool:
    """Whether anything is held for the question: whether a budget bounds it."""
    return Hold.objects.filter(holder=holder).exists()


def cover(holder: UUID, used: Amounts, upcoming: Amounts) -> None:
    """Whether what is held covers what was used and the most that another turn may use.

    A limit that was lowered meanwhile counts as it is now. Raises LimitReached.
    """
    for row in Hold.objects.filter(holder=holder):
        meter = meters.timed().select_related("limit__role", "limit__user").get(pk=row.meter_id)
        lines = {line.kind: line for line in meters.lines_of(meter)}
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


def lay_aside(holder: UUID, used: Amounts) -> None:
    """Hold no more than the question has used so far: the rest is for others meanwhile.

    Of a cost that is unknown nothing is given back.
    """
    with transaction.atomic():
        for hold, _meter in _locked_holds(holder):
            if hold.tokens is not None:
                hold.tokens = min(hold.tokens, used.tokens + hold.lost_tokens)
            if hold.cost is not None and used.cost is not None:
                hold.cost = min(hold.cost, used.cost + hold.lost_cost)
            hold.save(update_fields=["tokens", "cost"])


def take_up(holder: UUID, used: Amounts, most: Amounts) -> None:
    """Hold at most `most` anew, or what is left, for a question that goes on. Twice is as once.

    Raises LimitReached, and takes nothing, when nothing is left for it of a kind.
    """
    with transaction.atomic():
        for hold, meter in _locked_holds(holder):
            lines = {line.kind: line for line in meters.lines_of(meter)}
            tokens, cost = lines.get("tokens"), lines.get("cost")
            if tokens and hold.tokens is not None:
                spent = used.tokens + hold.lost_tokens
                hold.tokens = int(_anew(tokens, hold.tokens, spent=spent, most=most.tokens))
            if cost and hold.cost is not None and used.cost is not None and most.cost is not None:
                dollars = used.cost + hold.lost_cost
                hold.cost = Decimal(_anew(cost, hold.cost, spent=dollars, most=most.cost))
            hold.save(update_fields=["tokens", "cost"])


def _anew(line: Line, held: Number, *, spent: Number, most: Number) -> Number:
    wanted = max(held, min(most, held + line.left))
    if wanted <= spent and wanted < most:
        raise line.reached(_NO_MORE)
    return wanted


_NO_MORE = ", so the question that waited does not go on"


def settle(holder: UUID, used: Amounts, *, who: Who) -> list[Line]:
    """Count what the question really used in place of what it held; the lines that are near.

    A cost that is unknown counts as all that was held for it.
    """
    near: list[Line] = []
    with transaction.atomic():
        for hold, meter in _locked_holds(holder):
            hold.delete()
            known = used.cost if used.cost is not None else hold.cost or Decimal(0)
            meter.requests += 1
            meter.tokens += used.tokens + hold.lost_tokens
            meter.cost += known + hold.lost_cost
            meter.unpriced += used.cost is None
            near += meters.save(meter, who)
    return near


def _locked_holds(holder: UUID) -> Iterator[tuple[Hold, Meter]]:
    """What the question holds, of one meter after the other, each of them locked."""
    found = Hold.objects.filter(holder=holder).order_by("meter__limit_id")
    for pk in found.values_list("meter_id", flat=True):
        meter = meters.locked(Meter.objects.filter(pk=pk))
        # Read after the meter is locked, for somebody may just have changed it.
        hold = Hold.objects.filter(meter=pk, holder=holder).first()
        if meter is not None and hold is not None:
            yield hold, meter


def holders(before: datetime) -> list[UUID]:
    """The questions that have held something since before that time."""
    rows = Hold.objects.filter(created_at__lt=before)
    return list(rows.values_list("holder", flat=True).distinct())


def release(holder: UUID) -> None:
    """Give back what is held for a question that is no more."""
    Hold.objects.filter(holder=holder).delete()


def _none_reached(lines: Iterable[Line]) -> None:
    for line in lines:
        if line.left <= 0:
            raise line.reached()
