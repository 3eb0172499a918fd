"""What the policy gives and nobody used: changes that take it away and refuse no call. Pure.

A tool counts as used when a call of it was let through, or waited for a yes. What was used stays; a
name that stands without `*` or `?` was meant, and stays too. No use at all is no evidence that a
pattern should be another one: only a grant that is older than the window is taken back for it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.policy import Effect, PatternError, Subject, Target, check_pattern
from accounts.policy.case import Case
from accounts.policy.listing import effects
from accounts.suggestions import House, Suggestion, Use

_WHO = {"grants": "grant of", "mcps": "role", "roles": "role", "people": "person"}


def suggest(house: House) -> list[Suggestion]:
    """Every change, grants first, then those of roles and people; by name within each.

    Without any use there is no evidence, and nothing is suggested.
    """
    if not house.uses:
        return []
    looking = _Looking(house)
    return [
        *looking.grants(),
        *looking.restrictions(),
        *looking.roles_own(),
        *looking.entries(),
    ]


@dataclass(frozen=True)
class _Looking:
    house: House

    # --- Who used what ----------------------------------------------------------------------------
    @cached_property
    def by_person(self) -> Mapping[str, list[Use]]:
        return _grouped((use.person, use) for use in self.house.uses)

    @cached_property
    def by_role(self) -> Mapping[str, list[Use]]:
        """By every role that counted at the call, or counts for the person today."""
        people = self.house.snapshot.people
        return _grouped(
            (role, use)
            for use in self.house.uses
            for role in sorted(
                self._roles(Subject(use.person, role=use.role, teams=use.teams))
                | self._roles(people.get(use.person))
            )
        )

    def _roles(self, subject: Subject | None) -> set[str]:
        if subject is None:
            return set()
        policy, nothing = self.house.snapshot.policy, Target("", "")
        case = Case.of(policy, subject, target=nothing, arguments=None, now=self.house.now)
        return {role.name for role in case.roles}

    def _still_given(self, subject: Subject, uses: Sequence[Use]) -> bool:
        """Whether the policy in force gives somebody all that they used."""
        snapshot = self.house.snapshot
        used = {(use.server, use.tool) for use in uses}
        known = [snapshot.targets[place] for place in sorted(used & snapshot.targets.keys())]
        shown = effects(snapshot.policy, subject, known, self.house.now)
        return len(known) == len(used) and all(effect != Effect.DENY for effect in shown)

    # --- Grants -----------------------------------------------------------------------------------
    def grants(self) -> Iterator[Suggestion]:
        """Grants that nobody used, and grants of more than was used."""
        for person, subject in sorted(self.house.snapshot.people.items()):
            holding = [one for one in subject.grants if one.holds(self.house.now)]
            for server in sorted({one.server for one in holding}):
                mine = [one.tools for one in holding if one.server == server]
                found = self._grant(person, server, mine)
                if found:
                    yield found

    def _grant(
        self, person: str, server: str, granted: Sequence[tuple[str, ...]]
    ) -> Suggestion | None:
        uses, place = self.by_person.get(person, []), ("grants", person, server)
        patterns = list(dict.fromkeys(text for tools in granted for text in tools))
        if not self._fitting(uses, server, patterns):
            youngest = self.house.grants_since.get((person, server), self.house.now)
            if youngest > self.house.since or not self.house.whole:
                return None
            return self._suggestion(
                *("unused_grant", place, patterns), uses=uses, value=[], change="revoke the grant"
            )
        # A file makes all grants of a person on a server alike, and their ends may differ.
        tools = self._narrowed(uses, server, patterns) if len(granted) == 1 else None
        if tools is None:
            return None
        change = f"grant only {', '.join(tools)}"
        return self._suggestion("wildcard", place, patterns, uses=uses, value=tools, change=change)

    # --- Patterns ---------------------------------------------------------------------------------
    def restrictions(self) -> Iterator[Suggestion]:
        """`allow_only` and `allow_all` of a role on a server."""
        for server, said in sorted(self.house.snapshot.document.get("servers", {}).items()):
            for role, modes in sorted((said.get("role_restrictions") or {}).items()):
                # Where both stand, `allow_only` is what holds.
                patterns = modes.get("allow_only", ["*"] if modes.get("allow_all") else [])
                uses = self.by_role.get(role, [])
                tools = None if self._bypasses(role) else self._narrowed(uses, server, patterns)
                if tools is None:
                    continue
                kept = {key: value for key, value in modes.items() if key != "allow_all"}
                yield self._suggestion(
                    *("wildcard", ("mcps", role, server), patterns),
                    uses=uses,
                    value=kept | {"allow_only": tools},
                    change=f"role_restrictions.{role}: allow_only {', '.join(tools)}",
                )

    def roles_own(self) -> Iterator[Suggestion]:
        """`allowed_mcp_tools` of a role."""
        for role, said in sorted(self.house.snapshot.document.get("roles", {}).items()):
            allowed = said.get("allowed_mcp_tools") or {}
            for server, patterns in sorted(allowed.items()):
                uses = self.by_role.get(role, [])
                tools = None if self._bypasses(role) else self._narrowed(uses, server, patterns)
                if tools is None:
                    continue
                yield self._suggestion(
                    *("wildcard", ("roles", role, server), patterns),
                    uses=uses,
                    value=tools,
                    change=f"roles.{role}.allowed_mcp_tools.{server}: {', '.join(tools)}",
                )

    def entries(self) -> Iterator[Suggestion]:
        """What people have of their own: whole servers, and patterns."""
        for person, subject in sorted(self.house.snapshot.people.items()):
            uses, said = self.by_person.get(person, []), subject.allowed_mcps
            # What was allowed then and is not today would come to be refused by any change of it.
            if isinstance(said, Mapping) and uses and self._still_given(subject, uses):
                yield from self._entries(person, said, uses)

    def _entries(
        self, person: str, said: Mapping[str, Any], uses: Sequence[Use]
    ) -> Iterator[Suggestion]:
        for server, entry in sorted(said.items()):
            modes = {"mode": "all"} if entry == "*" else entry
            if not isinstance(modes, Mapping) or modes.get("mode") not in ("all", "custom"):
                continue
            patterns = ["*"] if modes["mode"] == "all" else modes.get("tools") or []
            tools = self._narrowed(uses, server, patterns)
            if tools is not None:
                yield self._suggestion(
                    *("wildcard", ("people", person, server), patterns),
                    uses=uses,
                    value={**modes, "mode": "custom", "tools": tools},
                    change=f"allowed_mcps.{server}: custom, {', '.join(tools)}",
                )

    def _bypasses(self, role: str) -> bool:
        rules = self.house.snapshot.policy.roles.get(role)
        return rules is not None and rules.bypasses

    # --- Narrowing a list of patterns -------------------------------------------------------------
    def _narrowed(
        self, uses: Sequence[Use], server: str, patterns: Sequence[str]
    ) -> list[str] | None:
        """The list with its wildcards as the tools used; None where that would be no less."""
        wild = [text for text in patterns if _is_wild(text)]
        fitting = self._fitting(uses, server, wild)
        if not fitting or len(fitting) >= len(self._matched(server, wild)):
            return None
        try:
            named = [_named(server, tool) for tool in fitting]
        except PatternError:
            return None
        return [*(text for text in patterns if not _is_wild(text)), *named]

    def _fitting(self, uses: Iterable[Use], server: str, patterns: Sequence[str]) -> list[str]:
        """The used tools of the server that a pattern fits."""
        tools = {use.tool for use in uses if use.server == server}
        return sorted(tool for tool in tools if self._fits(server, tool, patterns))

    def _fits(self, server: str, tool: str, patterns: Sequence[str]) -> bool:
        return self.house.snapshot.policy.patterns(patterns).first(server, tool) is not None

    def _matched(self, server: str, patterns: Sequence[str]) -> set[str]:
        """The tools that the server lists and a pattern fits."""
        return {
            place[1]
            for place, target in self.house.snapshot.targets.items()
            if place[0] == server
            and target.state == "offered"
            and self._fits(server, place[1], patterns)
        }

    def _suggestion(
        self,
        kind: str,
        place: tuple[str, str, str],
        patterns: Sequence[str],
        *,
        uses: Sequence[Use],
        value: Any,
        change: str,
    ) -> Suggestion:
        section, name, server = place
        used = self._fitting(uses, server, patterns)
        counted = [use for use in uses if use.server == server and use.tool in used]
        return Suggestion(
            kind=kind,
            who=f"{_WHO[section]} {name}",
            server=server,
            patterns=tuple(patterns),
            given=len(self._matched(server, patterns) | set(used)),
            used=tuple(used),
            calls=sum(use.calls for use in counted),
            last=max((use.last for use in counted), default=None),
            since=self.house.since,
            change=change,
            place=place,
            value=value,
        )


def _grouped(pairs: Iterable[tuple[str, Use]]) -> dict[str, list[Use]]:
    found: dict[str, list[Use]] = {}
    for key, use in pairs:
        found.setdefault(key, []).append(use)
    return found


def _is_wild(text: str) -> bool:
    return text.startswith("@") or "*" in text or "?" in text


def _named(server: str, tool: str) -> str:
    """The pattern that fits this tool and no other. Raises PatternError where there is none."""
    if _is_wild(tool):
        raise PatternError(f"{tool!r} is no name that a pattern can say")
    text = f"{server}/{tool}" if "/" in tool else tool
    check_pattern(text)
    return text
