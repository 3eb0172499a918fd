"""Suggestions put to the proof: those stay that change no decision on a recorded call. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from accounts.backtest import Changed, Recorded, Rehearsal, rehearse
from accounts.effects import Snapshot
from accounts.errors import NotFound
from accounts.least_privilege.draft import as_yaml, draft_of, laid_over
from accounts.least_privilege.looking import Looking
from accounts.least_privilege.model import House, Kind, Suggestion
from accounts.least_privilege.patterns import narrower_patterns
from accounts.least_privilege.reach import narrower_reaches
from accounts.least_privilege.roles import smaller_roles

# The recorded calls of the time, from the first one on, as often as they are asked for.
Calls = Callable[[], Iterable[Recorded]]


@dataclass(frozen=True)
class Found:
    """What is suggested, and what that rests on.

    `unknown` counts calls that cannot be decided again, so that no smaller role is suggested.
    """

    house: House
    suggestions: tuple[Suggestion, ...] = ()
    unknown: int = 0

    @property
    def draft(self) -> dict[str, Any]:
        """The content of a policy.yaml that follows all of it."""
        return draft_of(self.suggestions, self.house.snapshot)

    def draft_of(self, ids: Iterable[str]) -> str:
        """A policy.yaml of those with these ids, or of all when none is named.

        Raises NotFound for an id that is none, or no longer one.
        """
        wanted = set(ids)
        missing = wanted - {one.id for one in self.suggestions}
        if missing:
            raise NotFound(f"{min(missing)[:40]!r} is not suggested, or no longer.", field="id")
        chosen = [one for one in self.suggestions if not wanted or one.id in wanted]
        return as_yaml(draft_of(chosen, self.house.snapshot))

    def remark(self) -> str:
        """What the evidence lacks, in a few sentences; empty when it lacks nothing."""
        said = [self.house.remark()]
        if self.unknown:
            said.append(
                f"{self.unknown:,} of the calls cannot be decided again exactly; so nobody is said"
                " to manage with a smaller role."
            )
        return " ".join(filter(None, said))

    def as_json(self) -> dict[str, Any]:
        """The suggestions with what they rest on, and the draft of all of them."""
        return {
            "since": self.house.since.isoformat(),
            "whole": self.house.whole,
            "calls": sum(use.calls for use in self.house.uses),
            "remark": self.remark(),
            "suggestions": [one.as_json() for one in self.suggestions],
            "draft": self.draft,
        }


def suggest(house: House, calls: Calls) -> Found:
    """Every change that takes away what nobody used, and changes no decision on `calls`.

    Without any use there is no evidence, and nothing is suggested.
    """
    if not house.uses:
        return Found(house)
    looking = Looking(house)
    narrower = [*narrower_patterns(looking), *narrower_reaches(looking)]
    narrowed = laid_over(house.snapshot, draft_of(narrower, house.snapshot))
    smaller = list(smaller_roles(looking, narrowed))
    proven, rehearsal = _proven([*narrower, *smaller], house.snapshot, calls)
    others = [one for one in proven if one.kind != Kind.SMALLER_ROLE]
    if len(others) == len(proven) or not rehearsal.unknown:
        return Found(house, tuple(proven))
    # A role's powers count with arguments that are not on record.
    return Found(house, tuple(others), len(rehearsal.unknown))


def _proven(
    suggestions: Iterable[Suggestion], snapshot: Snapshot, calls: Calls
) -> tuple[list[Suggestion], Rehearsal]:
    """Those that may be followed together, and what they would have done: nothing to any call."""
    left = list(suggestions)
    while left:
        found = rehearse(calls(), snapshot, laid_over(snapshot, draft_of(left, snapshot)))
        if not found.changes:
            return left, found
        left = _without(left, found.changes)
    return left, Rehearsal()


def _without(suggestions: list[Suggestion], changes: Iterable[Changed]) -> list[Suggestion]:
    """Those that have nothing to do with these calls; where all seem to have nothing, none."""
    left = [one for one in suggestions if not any(_concerns(one, call) for call in changes)]
    return left if len(left) < len(suggestions) else []


def _concerns(suggestion: Suggestion, call: Changed) -> bool:
    section, name, server = suggestion.place
    if section in ("mcps", "roles"):
        return server == call.server
    return not name or name == call.person
