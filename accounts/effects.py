"""What a change gives and takes: who may call which tools after it, and could not before. Pure.

Decided without arguments, as a list of tools is: what argument rules refuse shows in a rehearsal on
recorded calls (`accounts.backtest`).
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from accounts.policy import Decision, Effect, Policy, Subject, Target, decide
from accounts.policy.case import Case
from accounts.policy.inputs import subject_as_json
from accounts.touching import Touched

Tools = Mapping[tuple[str, str], Target]

MOST_NAMED = 12
SOMEBODY = "the person"
_VERBS = {
    ("deny", "allow"): "gains",
    ("deny", "ask"): "gains, each time with somebody's yes,",
    ("allow", "deny"): "loses",
    ("ask", "deny"): "loses",
    ("allow", "ask"): "must from now on have confirmed",
    ("ask", "allow"): "need no longer have confirmed",
}


@dataclass(frozen=True)
class Snapshot:
    """All that decisions rest on at one moment."""

    document: Mapping[str, Any]
    policy: Policy
    people: Mapping[str, Subject]
    targets: Tools


@dataclass(frozen=True)
class Change:
    """Some tools of one server that somebody may call from now on, or no longer, by one rule."""

    who: str
    server: str
    before: str
    after: str
    rule: str
    tools: tuple[str, ...]

    def __str__(self) -> str:
        named = ", ".join(self.tools[:MOST_NAMED])
        more = len(self.tools) - MOST_NAMED
        named += f" and {more} more" if more > 0 else ""
        verb = _VERBS[self.before, self.after]
        return f"{self.who} {verb} on {self.server}: {named} ({self.rule})"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"tools": list(self.tools)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Change":
        return cls(**{**kept, "tools": tuple(kept["tools"])})


def between(before: Snapshot, after: Snapshot, now: datetime) -> list[Change]:
    """Every change of what anybody may call, by role and for people who have rules of their own."""
    comparison = _Comparison(before, after, now)
    found: list[Change] = []
    for who, old, new in _askers(before, after):
        found += comparison.of(who, old, new)
    return found


def _askers(before: Snapshot, after: Snapshot) -> Iterator[tuple[str, Subject | None, Any]]:
    """Whose rights are compared; None where somebody was not there, or is not any more."""
    yield "every super admin", (top := Subject("", super_admin=True)), top
    yield "the default user", Subject(""), Subject("")
    for role in sorted({*before.policy.roles, *after.policy.roles}):
        holder = Subject.somebody_of(role)
        old, new = (holder if role in one.policy.roles else None for one in (before, after))
        yield f"role {role}", old, new
    for person in sorted({*before.people, *after.people}):
        mine = before.people.get(person), after.people.get(person)
        if mine[0] != mine[1] or any(one and _has_own_rules(one) for one in mine):
            yield f"person {person}", *mine


def _has_own_rules(subject: Subject) -> bool:
    """Whether the line of a role does not say what holds for this person."""
    alone = not subject.role and bool(subject.teams or subject.allowed_mcps is not None)
    return alone or bool(subject.grants) or isinstance(subject.allowed_mcps, Mapping)


class _Comparison:
    """Two snapshots, decided side by side; people who are alike to the policy only once."""

    def __init__(self, before: Snapshot, after: Snapshot, now: datetime) -> None:
        self.before, self.after, self.now = before, after, now
        self.touched = Touched(before.document, after.document)
        self.places = sorted({*before.targets, *after.targets})
        self.known: dict[str, dict[Any, list[str]]] = {}

    def of(self, who: str, old: Subject | None, new: Subject | None) -> Iterator[Change]:
        """What changes for one asker."""
        key = json.dumps([_alike(old), _alike(new)], sort_keys=True)
        if key not in self.known:
            self.known[key] = self._compare(_nameless(old), _nameless(new))
        for (server, before, after, rule), tools in self.known[key].items():
            yield Change(who, server, before, after, rule, tuple(tools))

    def _compare(self, old: Subject | None, new: Subject | None) -> dict[Any, list[str]]:
        found: dict[Any, list[str]] = defaultdict(list)
        roles = self._roles(old) | self._roles(new)
        for place in self.places:
            targets = self.before.targets.get(place), self.after.targets.get(place)
            alike = old == new and targets[0] == targets[1] is not None
            if alike and not self.touched(roles, self.after.targets[place]):
                continue
            was = self._decide(self.before.policy, old, targets[0])
            now = self._decide(self.after.policy, new, targets[1])
            effects = _effect(was), _effect(now)
            if effects[0] != effects[1]:
                decisive = now or was
                found[place[0], *effects, decisive.rule if decisive else ""].append(place[1])
        return found

    def _roles(self, subject: Subject | None) -> set[str]:
        """The names of the roles that count for somebody, before and after."""
        if subject is None:
            return set()
        cases = (
            Case.of(policy, subject, target=Target("", ""), arguments=None, now=self.now)
            for policy in (self.before.policy, self.after.policy)
        )
        return {role.name for case in cases for role in case.roles}

    def _decide(
        self, policy: Policy, subject: Subject | None, target: Target | None
    ) -> Decision | None:
        if subject is None or target is None:
            return None
        return decide(policy, subject, target, None, self.now)


def _effect(decision: Decision | None) -> str:
    return str(decision.effect) if decision else str(Effect.DENY)


def _nameless(subject: Subject | None) -> Subject | None:
    return replace(subject, person=SOMEBODY) if subject else None


def _alike(subject: Subject | None) -> dict[str, Any] | None:
    return subject_as_json(replace(subject, person="")) if subject else None
