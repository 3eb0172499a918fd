"""Hold the rules against what has been sealed since: each block once, with the cursor's move."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from django.db.models import QuerySet

from audit import following
from audit.errors import BadFilter
from audit.models import Entry
from gateway.alerts import incidents
from gateway.alerts.incidents import Found
from gateway.alerts.matching import Match, new_database
from gateway.models.alerts import AlertRule

log = logging.getLogger(__name__)

FOLLOWER = "alerts"
Kind = AlertRule.Kind


def watch() -> int:
    """Read what is new and put down what the rules find in it; the number of blocks.

    A reader that is new begins with what is sealed from now on: nobody wants last year's alerts.
    """
    following.start_at_the_end(FOLLOWER)
    blocks = 0
    while read := following.take(FOLLOWER, hold_against):
        blocks += read
    return blocks


def hold_against(entries: "QuerySet[Entry]") -> Callable[[], None]:
    """Look what each rule finds among these new entries; what it returns puts that down."""
    found: list[Callable[[], None]] = []
    for rule in AlertRule.objects.filter(enabled=True).exclude(kind=Kind.SPENDING):
        try:
            match = Match(rule)
        except (BadFilter, ValueError):
            # Its own page refuses it; what was spoiled otherwise must not keep the others back.
            log.exception("an alert rule cannot be read", extra={"rule": rule.name})
            continue
        if rule.kind == Kind.SERVER_DOWN:
            found.append(partial(_servers, rule, _last_words(match.filtered(entries))))
        else:
            found.append(partial(_put_down, match, _by_value(match, entries)))
    return partial(_each, found)


def _each(deeds: Iterable[Callable[[], None]]) -> None:
    for deed in deeds:
        deed()


def _by_value(match: Match, entries: "QuerySet[Entry]") -> dict[str, list[Entry]]:
    by_value: dict[str, list[Entry]] = defaultdict(list)
    for entry in match.among(entries):
        by_value[match.value(entry)].append(entry)
    return by_value


def _put_down(match: Match, by_value: Mapping[str, list[Entry]]) -> None:
    for value, found in by_value.items():
        rule, cause = match.rule, match.rule.cause_of(value)
        if incidents.standing(rule, cause) is None:
            found = match.crowd(value, found, after=incidents.counted_up_to(rule, cause))
        if found:
            incidents.note(rule, _found(rule, value, found))


def _found(rule: AlertRule, value: str, entries: list[Entry]) -> Found:
    filters = {name: str(text) for name, text in rule.filters.items()}
    if rule.each:
        filters[rule.each] = value
    if len(rule.kinds) == 1:
        filters["kind"] = rule.kinds[0]
    detail: dict[str, Any] = {}
    if rule.unused_days:
        detail["database"] = new_database(entries[-1], rule.unused_days)
    elif entries[-1].tool:
        detail["tool"] = f"{entries[-1].server}/{entries[-1].tool}"
    return Found(
        cause=rule.cause_of(value),
        at=entries[-1].at,
        count=len(entries),
        since=entries[0].at,
        first_entry=entries[0].pk,
        last_entry=entries[-1].pk,
        filters=filters,
        detail=detail,
    )


def _last_words(entries: "QuerySet[Entry]") -> dict[str, Entry]:
    """What was said last of each server."""
    said = entries.filter(kind=Entry.Kind.REGISTRY_HEALTH).exclude(server="")
    return {entry.server: entry for entry in said}


def _servers(rule: AlertRule, last: Mapping[str, Entry]) -> None:
    """A server's last word counts; what was down and is up is over."""
    for server, entry in last.items():
        cause = f"server {server}"
        if entry.outcome == Entry.Outcome.FAILED:
            filters = {"server": server, "kind": Entry.Kind.REGISTRY_HEALTH.value}
            found = Found(cause, entry.at, 1, entry.pk, entry.pk, filters)
            incidents.note(rule, found)
        elif stands := incidents.standing(rule, cause):
            incidents.end(stands)
