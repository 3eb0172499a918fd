"""A draft of the policy against recorded calls: which of them it would decide otherwise. Pure.

Each call is decided twice on what its own decision rested on: by the policy in force, and by the
draft. So what the draft changes is told apart from what has been changed since the call was made.
Calls that are alike to both policies are decided once; the answer is that of one by one.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from accounts.effects import Snapshot
from accounts.policy import Decision, Effect, Inputs, Policy, Subject, decide
from accounts.policy.values import Looked

ALL = "*"
_FIELDS = ("role", "teams", "super_admin", "allowed_mcps", "attributes")
_WORDS = {"deny": "refused", "allow": "newly allowed", "ask": "newly asked"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call as the record has it: the entry, what was decided then, and on what."""

    entry: int
    at: datetime
    effect: str
    inputs: Mapping[str, Any] | None
    arguments: Any


@dataclass(frozen=True)
class Changed:
    """Calls of one person to one tool that the draft decides otherwise, by one rule."""

    person: str
    server: str
    tool: str
    recorded: str
    before: str
    after: str
    layer: str
    rule: str
    calls: tuple[int, ...]
    first: datetime
    last: datetime

    def __str__(self) -> str:
        count = f"{len(self.calls)} call{'s' if len(self.calls) != 1 else ''}"
        when = f"{self.first:%Y-%m-%d}" + (
            f" to {self.last:%Y-%m-%d}" if self.last.date() != self.first.date() else ""
        )
        place = f"{self.person} → {self.server}/{self.tool}"
        return f"{_WORDS[self.after]}: {place}, {count}, {when} ({self.layer}: {self.rule})"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"calls": list(self.calls), "text": str(self)}


@dataclass(frozen=True)
class Rehearsal:
    """What a draft would have done to the calls; `unknown` are those not known exactly."""

    calls: int = 0
    changes: tuple[Changed, ...] = ()
    unknown: tuple[int, ...] = ()
    # Calls that the policy in force, too, decides otherwise than they were decided then.
    decided_otherwise_since: int = 0

    def count(self, after: str) -> int:
        """How many calls would now end this way, and do not in force."""
        return sum(len(one.calls) for one in self.changes if one.after == after)

    @property
    def refused(self) -> int:
        """How many calls that were not refused then would be now, by the draft alone."""
        return sum(
            len(one.calls)
            for one in self.changes
            if one.after == Effect.DENY and one.recorded != Effect.DENY
        )

    def summary(self) -> str:
        """The whole in one sentence."""
        counts = ", ".join(f"{self.count(after):,} {word}" for after, word in _WORDS.items())
        said = f"of {self.calls:,} recorded calls: {counts}"
        if self.unknown:
            said += f"; {len(self.unknown):,} not known exactly"
        if self.decided_otherwise_since:
            said += (
                f"; {self.decided_otherwise_since:,} are decided otherwise by the policy in force,"
                " too"
            )
        return said


def rehearse(calls: Iterable[Recorded], before: Snapshot, after: Snapshot) -> Rehearsal:
    """Decide every call by both, with what `after` changes about people laid over the record."""
    return _Rehearsing(before, after).run(calls)


@dataclass(frozen=True, slots=True)
class _Case:
    """Somebody and a tool, the same for many calls."""

    old: Inputs
    new: Inputs
    looked: Looked


@dataclass
class _Rehearsing:
    before: Snapshot
    after: Snapshot
    cases: dict[str, _Case | None] = field(default_factory=dict)
    answers: dict[tuple[Any, ...], tuple[Decision | None, Decision | None]] = field(
        default_factory=dict
    )
    amending: dict[str, Callable[[Subject], Subject]] = field(default_factory=dict)

    def run(self, calls: Iterable[Recorded]) -> Rehearsal:
        found: dict[tuple[str, ...], list[Recorded]] = defaultdict(list)
        unknown: list[int] = []
        total = since = 0
        for call in calls:
            total += 1
            case = self._case(call)
            old, new = self._answer(case, call) if case else (None, None)
            if case is None or old is None or new is None:
                unknown.append(call.entry)
                continue
            since += old.effect != call.effect
            if old.effect != new.effect:
                found[_place(case, call, old, new)].append(call)
        changes = tuple(_changed(place, alike) for place, alike in sorted(found.items()))
        return Rehearsal(total, changes, tuple(unknown), since)

    def _case(self, call: Recorded) -> _Case | None:
        """What the call rested on; None when that is not known exactly."""
        kept = call.inputs
        if kept is None or kept.get("altered"):
            return None
        key = json.dumps([kept.get("subject"), kept.get("target")], sort_keys=True)
        if key not in self.cases:
            self.cases[key] = self._read(kept)
        return self.cases[key]

    def _read(self, kept: Mapping[str, Any]) -> _Case | None:
        try:
            old = Inputs.from_json(kept)
        except ValueError:
            return None
        target = old.target
        new = replace(old, subject=self._amended(old.subject))
        paths = [
            rule.path
            for policy in (self.before.policy, self.after.policy)
            for rule in policy.argument_rules_for(target.server, target.tool)
        ]
        return _Case(old, new, Looked(paths))

    def _amended(self, subject: Subject) -> Subject:
        """The person as they were, with what the draft changes about them today."""
        person = subject.person
        if person not in self.amending:
            mine = self.before.people.get(person), self.after.people.get(person)
            self.amending[person] = _amendment(*mine)
        return self.amending[person](subject)

    def _answer(self, case: _Case, call: Recorded) -> tuple[Decision | None, Decision | None]:
        given, hidden = _arguments(call)
        matter = given
        if isinstance(given, Mapping):
            matter = {name: given[name] for name in given if case.looked.at(name)}
        unsure = hidden == ALL or any(map(case.looked.at, hidden))
        key = (
            id(case),
            tuple(grant.holds(call.at) for grant in case.old.subject.grants),
            tuple(grant.holds(call.at) for grant in case.new.subject.grants),
            json.dumps(matter, sort_keys=True) if matter else "",
            unsure,
        )
        if key not in self.answers:
            self.answers[key] = (
                _decide(self.before.policy, replace(case.old, at=call.at), matter, hidden),
                _decide(self.after.policy, replace(case.new, at=call.at), matter, hidden),
            )
        return self.answers[key]


def _arguments(call: Recorded) -> tuple[Any, Any]:
    """The arguments as far as they are known, and the names of those that are not."""
    kept = call.inputs or {}
    hidden = kept.get("hidden", ())
    if hidden == ALL:
        return {}, ALL
    given = kept.get("given", call.arguments)
    if not isinstance(given, Mapping) or not hidden:
        return given, hidden
    return {name: value for name, value in given.items() if name not in hidden}, hidden


def _decide(policy: Policy, inputs: Inputs, given: Any, hidden: Any) -> Decision | None:
    """The decision; None where it depends on what is hidden."""
    target = inputs.target
    rules = policy.argument_rules_for(target.server, target.tool)
    looked = Looked([rule.path for rule in rules])
    if not (rules and (hidden == ALL or any(map(looked.at, hidden)))):
        return inputs.decide(policy, given)
    listed = decide(policy, inputs.subject, target, None, inputs.at)
    # What no arguments whatever would allow is refused whatever they were.
    return listed if listed.effect == Effect.DENY else None


def _amendment(old: Subject | None, new: Subject | None) -> Callable[[Subject], Subject]:
    """What turns somebody as they were at a call into what the change makes of them."""
    if old is None or new is None or old == new:
        return lambda subject: subject
    fields = {
        name: getattr(new, name) for name in _FIELDS if getattr(old, name) != getattr(new, name)
    }
    if old.status != new.status:
        fields["status"] = new.status
    gone = [grant for grant in old.grants if grant not in new.grants]
    come = tuple(grant for grant in new.grants if grant not in old.grants)

    def amend(subject: Subject) -> Subject:
        kept = tuple(grant for grant in subject.grants if grant not in gone)
        return replace(subject, grants=kept + come, **fields)

    return amend


def _place(case: _Case, call: Recorded, old: Decision, new: Decision) -> tuple[str, ...]:
    subject, target = case.old.subject, case.old.target
    return (
        subject.person,
        target.server,
        target.tool,
        call.effect,
        str(old.effect),
        str(new.effect),
        str(new.layer),
        new.rule,
    )


def _changed(place: tuple[str, ...], alike: list[Recorded]) -> Changed:
    person, server, tool, recorded, before, after, layer, rule = place
    moments = [call.at for call in alike]
    return Changed(
        person,
        server,
        tool,
        recorded=recorded,
        before=before,
        after=after,
        layer=layer,
        rule=rule,
        calls=tuple(call.entry for call in alike),
        first=min(moments),
        last=max(moments),
    )
