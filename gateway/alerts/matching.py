"""Which entries a rule looks out for, and whether there were as many within its time."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from accounts.policy.patterns import Pattern
from accounts.policy.rules import DATABASE_ARGUMENTS
from audit.filters import Filters
from audit.models import Entry
from gateway.alerts import hours
from gateway.models.alerts import AlertRule

# What alerts say of the record is no cause of alerts.
NEVER = (Entry.Kind.ALERT_RAISED,)
# Filters a rule does not take: it has `kinds`, looks at what is new, and what is new may not yet be
# found by its words.
WITHOUT = ("kind", "from", "to", "text")
MOST_LOOKED_AT = 20_000
# What no rule asks for, and may be long.
UNREAD = ("preview", "decision", "inputs", "detail", "user_agent", "reason")


class Match:
    """A rule made ready to be held against entries."""

    def __init__(self, rule: AlertRule) -> None:
        self.rule = rule
        self._filters = Filters.parse(rule.filters, without=WITHOUT)
        self._tools = [Pattern.read(text) for text in rule.tools]
        self._hours = hours.read(rule.hours, rule.time_zone) if rule.hours else None

    def among(self, entries: "QuerySet[Entry]") -> list[Entry]:
        """Those of the entries that the rule looks out for."""
        return [entry for entry in self._chosen(entries) if self._fits(entry)]

    def filtered(self, entries: "QuerySet[Entry]") -> "QuerySet[Entry]":
        """Those of the entries that the rule's filters let through."""
        return self._filters.apply(entries)

    def _chosen(self, entries: "QuerySet[Entry]") -> "QuerySet[Entry]":
        chosen = self.filtered(entries).exclude(kind__in=NEVER).defer(*UNREAD)
        if self.rule.kinds:
            chosen = chosen.filter(kind__in=self.rule.kinds)
        if self.rule.each:
            chosen = chosen.exclude(**{self.rule.each: ""})
        return chosen

    def _fits(self, entry: Entry) -> bool:
        if self._tools and not _is_of(entry, self._tools):
            return False
        if self._hours is not None and self._hours.has(entry.at):
            return False
        return not self.rule.unused_days or bool(new_database(entry, self.rule.unused_days))

    def value(self, entry: Entry) -> str:
        """What of the entry makes the cause: its person, its server, …; empty for all together."""
        return str(getattr(entry, self.rule.each)) if self.rule.each else ""

    def crowd(self, value: str, found: list[Entry], *, after: int = 0) -> list[Entry]:
        """These new ones, with those before them within the rule's time; none where there are not
        as many as the rule says. What is up to the entry `after` belonged to another incident.
        """
        if self.rule.count <= 1:
            return found
        times = [entry.at for entry in found]
        before = Entry.objects.filter(
            at__gte=min(times) - self.rule.window,
            at__lte=max(times),
            id__lt=max(entry.pk for entry in found),
            id__gt=after,
        )
        if self.rule.each:
            before = before.filter(**{self.rule.each: value})
        # The latest: of more than so many there are enough in any case.
        latest = self._chosen(before).order_by("-at")[:MOST_LOOKED_AT]
        every = {entry.pk: entry for entry in latest if self._fits(entry)}
        every |= {entry.pk: entry for entry in found}
        crowd = sorted(every.values(), key=lambda entry: entry.at)
        moments = [entry.at for entry in crowd]
        return crowd if _crowded(moments, self.rule.count, self.rule.window) else []


def new_database(entry: Entry, days: int) -> str:
    """The database that the call names and its person has not used for so long; empty for none.

    Of somebody who has used none at all in that time every database would be one: that is none.
    """
    arguments = entry.arguments if isinstance(entry.arguments, dict) else {}
    named = {
        name: value
        for name, value in arguments.items()
        if name in DATABASE_ARGUMENTS and isinstance(value, str) and value
    }
    if not named:
        return ""
    earlier = Entry.objects.filter(
        kind=Entry.Kind.CALL_CALLING,
        person=entry.person,
        at__gte=entry.at - timedelta(days=days),
        id__lt=entry.pk,
    )
    any_at_all = Q()
    for name in DATABASE_ARGUMENTS:
        any_at_all |= Q(**{f"arguments__{name}__isnull": False})
    if not earlier.filter(any_at_all).exists():
        return ""
    used = (
        earlier.filter(**{f"arguments__{name}": value}).exists() for name, value in named.items()
    )
    return next((value for value, was in zip(named.values(), used, strict=True) if not was), "")


def _is_of(entry: Entry, tools: list[Pattern]) -> bool:
    return bool(entry.tool) and any(one.matches(entry.server, entry.tool) for one in tools)


def _crowded(times: list[datetime], count: int, window: timedelta) -> bool:
    """Whether `count` of the times, in their order, lie within the window."""
    pairs: Any = zip(times, times[count - 1 :], strict=False)
    return any(last - first <= window for first, last in pairs)
