"""People who would manage with a smaller role that exists. Pure.

A role is smaller when it gives the person no tool more, some less, and leaves them what they may
administer: that shows in no call. It must also do under the policy that the other suggestions make,
so that all of them can be followed at once.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from accounts.effects import Snapshot
from accounts.least_privilege.looking import Looking
from accounts.least_privilege.model import Kind, Suggestion, Use
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

# For every known tool, by name, how much it is given.
Given = tuple[int, ...]


def smaller_roles(looking: Looking, narrowed: Snapshot) -> Iterator[Suggestion]:
    """For each person the smallest role that gives all they used, where it is not their own.

    `narrowed` is the house after the other suggestions.
    """
    places = {place: at for at, place in enumerate(sorted(looking.snapshot.targets))}
    weighing = _Weighing(looking, narrowed, places)
    for person, subject in sorted(looking.snapshot.people.items()):
        uses = looking.by_person.get(person, [])
        if weighing.concerns(person, subject, uses):
            yield from weighing.suggestions(person, subject, uses)


@dataclass(frozen=True)
class _Weighing:
    looking: Looking
    narrowed: Snapshot
    places: Mapping[tuple[str, str], int]
    known: dict[tuple[bool, str], Given] = field(default_factory=dict)

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
        has = self._given(subject)
        fitting = [
            (_count(self._given(replace(subject, role=role))), role)
            for role in self._with_no_more_power(str(subject.role))
            if self._would_do(subject, role, uses)
        ]
        if not fitting:
            return
        count, role = min(fitting)
        yield Suggestion(
            kind=Kind.SMALLER_ROLE,
            who=f"person {person}",
            server="",
            patterns=(str(subject.role),),
            given=_count(has),
            used=tuple(sorted({f"{use.server}/{use.tool}" for use in uses})),
            **self.looking.evidence(uses),
            change=f"role: {role}, which gives {count}",
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

    def _would_do(self, subject: Subject, role: str, uses: Sequence[Use]) -> bool:
        """Whether the role gives all that was used and nothing new; less than theirs, as it is."""
        now = self._given(subject), self._given(replace(subject, role=role))
        person = self.narrowed.people[subject.person]
        then = (
            self._given(person, narrowed=True),
            self._given(replace(person, role=role), narrowed=True),
        )
        used = {self.places[use.server, use.tool] for use in uses}
        return now[0] != now[1] and all(
            all(new <= old for old, new in zip(*pair, strict=True))
            and all(pair[1][index] == pair[0][index] for index in used)
            for pair in (now, then)
        )

    def _given(self, subject: Subject, *, narrowed: bool = False) -> Given:
        """How much of every tool the person is given; people who are alike are weighed once."""
        key = narrowed, json.dumps(subject_as_json(replace(subject, person="")), sort_keys=True)
        if key not in self.known:
            snapshot = self.narrowed if narrowed else self.looking.snapshot
            targets = [snapshot.targets[place] for place in self.places]
            shown = effects(snapshot.policy, subject, targets, self.looking.house.now)
            self.known[key] = tuple(_RANKS[effect] for effect in shown)
        return self.known[key]


def _count(given: Given) -> int:
    return sum(rank > 0 for rank in given)
