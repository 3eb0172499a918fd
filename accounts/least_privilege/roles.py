"""People who would manage with a smaller role that exists. Pure.

A role is smaller when it gives the person no tool more, some less, and leaves them what they may
administer: that shows in no call. It must also do under the policy that the other suggestions make,
so that all of them can be followed at once.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from accounts.effects import Snapshot
from accounts.least_privilege.looking import Looking
from accounts.least_privilege.model import Kind, Suggestion, Use, counted
from accounts.policy import Effect, Subject
from accounts.policy.inputs import subject_as_json
from accounts.policy.listing import effects
from accounts.policy.rules import ADMIN

# Powers that only calls show: whoever never needs them can do without.
_OVER_TOOLS = frozenset(
    (
        "can_bypass_tool_restrictions",
        "can_execute_dangerous_tools",
        "can_access_all_databases",
        ADMIN,
    )
)
_RANKS = {Effect.DENY: 0, Effect.ASK: 1, Effect.ALLOW: 2}

# A server and its tool; and how much each of some tools is given.
Place = tuple[str, str]
Given = tuple[int, ...]


def smaller_roles(looking: Looking, narrowed: Snapshot) -> Iterator[Suggestion]:
    """For each person the smallest role that gives all they used, where it is not their own.

    `narrowed` is the house after the other suggestions.
    """
    weighing = _Weighing(looking, narrowed, sorted(looking.snapshot.targets))
    for person, subject in sorted(looking.snapshot.people.items()):
        uses = looking.by_person.get(person, [])
        if weighing.concerns(person, subject, uses):
            yield from weighing.suggestions(person, subject, uses)


@dataclass(frozen=True)
class _Weighing:
    looking: Looking
    narrowed: Snapshot
    places: Sequence[Place]
    known: dict[tuple[bool, str], dict[Place, int]] = field(default_factory=dict)

    def concerns(self, person: str, subject: Subject, uses: Sequence[Use]) -> bool:
        """Whether a role of their own is what gives this person what they used."""
        return (
            bool(uses)
            and subject.role in self.looking.house.powers
            and not subject.super_admin
            and self.looking.house.knows_all_of(person)
            and self.looking.still_given(subject, uses)
        )

    def suggestions(
        self, person: str, subject: Subject, uses: Sequence[Use]
    ) -> Iterator[Suggestion]:
        """At most one: the smallest of the roles that would do."""
        fitting = [
            (_count(self._given(replace(subject, role=role))), role)
            for role in self._with_no_more_power(str(subject.role))
            if self._gives_what(uses, subject, role) and self._is_smaller(subject, role)
        ]
        if not fitting:
            return
        count, role = min(fitting)
        yield Suggestion(
            kind=Kind.SMALLER_ROLE,
            who=f"person {person}",
            server="",
            patterns=(str(subject.role),),
            given=_count(self._given(subject)),
            used=tuple(sorted({f"{use.server}/{use.tool}" for use in uses})),
            **self.looking.evidence(uses),
            change=f"role: {role}, which gives {counted(count, 'tool')}",
            place=("role", person, ""),
            value=role,
        )

    def _with_no_more_power(self, role: str) -> list[str]:
        """The other roles that have at most its powers over tools, and all its others."""
        powers = self.looking.house.powers
        return [
            name
            for name, has in sorted(powers.items())
            if name != role and has <= powers[role] and powers[role] - has <= _OVER_TOOLS
        ]

    def _gives_what(self, uses: Iterable[Use], subject: Subject, role: str) -> bool:
        """Whether the role gives all that was used as their own does, now and narrowed."""
        used = sorted({(use.server, use.tool) for use in uses})
        then = self.narrowed.people[subject.person]
        return all(
            self._given(mine, used, narrowed=narrowed)
            == self._given(replace(mine, role=role), used, narrowed=narrowed)
            for mine, narrowed in ((subject, False), (then, True))
        )

    def _is_smaller(self, subject: Subject, role: str) -> bool:
        """Whether it gives less than their own role and nothing new; narrowed, nothing new."""
        has, would = self._given(subject), self._given(replace(subject, role=role))
        if has == would or not _within(would, has):
            return False
        then = self.narrowed.people[subject.person]
        new = self._given(replace(then, role=role), narrowed=True)
        return _within(new, self._given(then, narrowed=True))

    def _given(
        self, subject: Subject, places: Sequence[Place] = (), *, narrowed: bool = False
    ) -> Given:
        """How much of these tools, or of all, the person is given; once for people alike."""
        places = places or self.places
        alike = json.dumps(subject_as_json(replace(subject, person="")), sort_keys=True)
        known = self.known.setdefault((narrowed, alike), {})
        missing = [place for place in places if place not in known]
        snapshot = self.narrowed if narrowed else self.looking.snapshot
        targets = [snapshot.targets[place] for place in missing]
        shown = effects(snapshot.policy, subject, targets, self.looking.house.now)
        known.update(zip(missing, map(_RANKS.__getitem__, shown), strict=True))
        return tuple(known[place] for place in places)


def _within(given: Given, bounds: Given) -> bool:
    return all(new <= old for new, old in zip(given, bounds, strict=True))


def _count(given: Given) -> int:
    return sum(rank > 0 for rank in given)
