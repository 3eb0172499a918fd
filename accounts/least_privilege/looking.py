"""What every look for less needs: who used what, by person and by role; what patterns fit. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.effects import Snapshot
from accounts.least_privilege.model import House, Use
from accounts.policy import Effect, Subject, Target
from accounts.policy.case import Case
from accounts.policy.listing import effects


@dataclass(frozen=True)
class Looking:
    """A house, and what of it is asked more than once."""

    house: House

    @property
    def snapshot(self) -> Snapshot:
        return self.house.snapshot

    # --- Who used what ----------------------------------------------------------------------------
    @cached_property
    def by_person(self) -> Mapping[str, list[Use]]:
        return _grouped((use.person, use) for use in self.house.uses)

    @cached_property
    def by_role(self) -> Mapping[str, list[Use]]:
        """By every role that counted at the call, or counts for the person today."""
        people = self.snapshot.people
        return _grouped(
            (role, use)
            for use in self.house.uses
            for role in sorted(
                self._roles(Subject(use.person, role=use.role, teams=use.teams))
                | self._roles(people.get(use.person))
            )
        )

    def _roles(self, subject: Subject | None) -> set[str]:
        return {role.name for role in self.case(subject).roles} if subject else set()

    def case(self, subject: Subject) -> Case:
        """The person before the policy in force, with no tool in mind."""
        nothing = Target("", "")
        return Case.of(
            self.snapshot.policy, subject, target=nothing, arguments=None, now=self.house.now
        )

    def still_given(self, subject: Subject, uses: Sequence[Use]) -> bool:
        """Whether the policy in force gives somebody all that they used."""
        used = {(use.server, use.tool) for use in uses}
        known = [
            self.snapshot.targets[place] for place in sorted(used & self.snapshot.targets.keys())
        ]
        shown = effects(self.snapshot.policy, subject, known, self.house.now)
        return len(known) == len(used) and all(effect != Effect.DENY for effect in shown)

    def bypasses(self, role: str) -> bool:
        """Whether no rule of the role's narrows it anyway."""
        rules = self.snapshot.policy.roles.get(role)
        return rules is not None and rules.bypasses

    def evidence(self, uses: Iterable[Use]) -> dict[str, Any]:
        """How often and when last, as a suggestion says it."""
        counted = list(uses)
        return {
            "calls": sum(use.calls for use in counted),
            "last": max((use.last for use in counted), default=None),
            "since": self.house.since,
        }

    # --- Which tools patterns fit -----------------------------------------------------------------
    def fitting(self, uses: Iterable[Use], server: str, patterns: Sequence[str]) -> list[str]:
        """The used tools of the server that a pattern fits."""
        tools = {use.tool for use in uses if use.server == server}
        return sorted(tool for tool in tools if self._fits(server, tool, patterns))

    def matched(self, server: str, patterns: Sequence[str]) -> set[str]:
        """The tools that the server offers and a pattern fits."""
        offered = self._offered.get(server, ())
        return {tool for tool in offered if self._fits(server, tool, patterns)}

    @cached_property
    def _offered(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for (server, tool), target in self.snapshot.targets.items():
            if target.state == "offered":
                found.setdefault(server, []).append(tool)
        return found

    def _fits(self, server: str, tool: str, patterns: Sequence[str]) -> bool:
        return self.snapshot.policy.patterns(patterns).first(server, tool) is not None


def _grouped(pairs: Iterable[tuple[str, Use]]) -> dict[str, list[Use]]:
    found: dict[str, list[Use]] = {}
    for key, use in pairs:
        found.setdefault(key, []).append(use)
    return found
