"""Spending far above the usual: what a window has cost, against the windows of the week before."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from audit.models import Entry
from gateway.alerts import incidents
from gateway.alerts.incidents import Found
from gateway.models.alerts import AlertRule

# Cost stands on the entry that ends a question; people and roles are what it adds up by.
BY = (AlertRule.Each.ALL, AlertRule.Each.PERSON, AlertRule.Each.ROLE, AlertRule.Each.API_KEY)
USUAL = timedelta(days=7)


def check() -> int:
    """Hold the rules on spending against the clock; how many causes were found."""
    now = timezone.now()
    return sum(
        _check(rule, now)
        for rule in AlertRule.objects.filter(enabled=True, kind=AlertRule.Kind.SPENDING)
    )


def _check(rule: AlertRule, now: datetime) -> int:
    begin = now - rule.window
    lately = _costs(rule.each, begin, now)
    high = {value: cost for value, cost in lately.items() if cost > rule.min_cost}
    if not high:
        return 0
    before = _costs(rule.each, begin - USUAL, begin)
    windows = Decimal(USUAL / rule.window)
    found = 0
    for value, cost in high.items():
        usual = before.get(value, Decimal(0)) / windows
        if cost > usual * Decimal(rule.factor):
            _note(rule, _found(rule, value, now, cost=cost, usual=usual))
            found += 1
    return found


def _note(rule: AlertRule, found: Found) -> None:
    try:
        with transaction.atomic():
            incidents.note(rule, found)
    except IntegrityError:
        # Another process has opened it at this very moment.
        return


def _costs(each: str, begin: datetime, end: datetime) -> Mapping[str, Decimal]:
    """What questions that ended then have cost, by the value of the column, or under ""."""
    ended = Entry.objects.filter(
        kind=Entry.Kind.QUESTION_ENDED, at__gte=begin, at__lt=end, cost__gt=0
    )
    if not each:
        return {"": ended.aggregate(sum=Sum("cost"))["sum"] or Decimal(0)}
    rows = ended.exclude(**{each: ""}).order_by().values_list(each).annotate(sum=Sum("cost"))
    return dict(rows)


def _found(rule: AlertRule, value: str, now: datetime, *, cost: Decimal, usual: Decimal) -> Found:
    filters: dict[str, Any] = {"kind": Entry.Kind.QUESTION_ENDED.value}
    if rule.each:
        filters[rule.each] = value
    said = {"spent": f"${cost:.2f}", "usual": f"${usual:.2f}", "within": _words(rule.window)}
    return Found(
        rule.cause_of(value), now, 0, filters=filters, detail=said, since=now - rule.window
    )


def _words(window: timedelta) -> str:
    minutes = round(window.total_seconds() / 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
