"""Grants that nobody used, and wildcards that could be the tools used. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.least_privilege.looking import Looking
from accounts.least_privilege.model import Kind, Suggestion, Use
from accounts.policy import PatternError, check_pattern

_WHO = {"grants": "grant of", "mcps": "role", "roles": "role", "people": "person"}


def narrower_patterns(looking: Looking) -> Iterator[Suggestion]:
    """Grants first, then the lists of roles and of people; by name within each."""
    narrowing = _Narrowing(looking)
    yield from narrowing.grants()
    yield from narrowing.restrictions()
    yield from narrowing.roles_own()
    yield from narrowing.entries()


@dataclass(frozen=True)
class _Narrowing:
    looking: Looking

    # --- Grants -----------------------------------------------------------------------------------
    def grants(self) -> Iterator[Suggestion]:
        """Grants that nobody used, and grants of more than was used."""
        now = self.looking.house.now
        for person, subject in sorted(self.looking.snapshot.people.items()):
            holding = [one for one in subject.grants if one.holds(now)]
            for server in sorted({one.server for one in holding}):
                mine = [one.tools for one in holding if one.server == server]
                found = self._grant(person, server, mine)
                if found:
                    yield found

    def _grant(
        self, person: str, server: str, granted: Sequence[tuple[str, ...]]
    ) -> Suggestion | None:
        uses, place = self.looking.by_person.get(person, []), ("grants", person, server)
        patterns = list(dict.fromkeys(text for tools in granted for text in tools))
        if not self.looking.fitting(uses, server, patterns):
            if not self._is_old(person, server):
                return None
            kind, change = Kind.UNUSED_GRANT, "revoke the grant"
            return self._suggestion(kind, place, patterns, uses=uses, value=[], change=change)
        # A file makes all grants of a person on a server alike, and their ends may differ.
        tools = self._narrowed(uses, server, patterns) if len(granted) == 1 else None
        if tools is None:
            return None
        change = f"grant only {', '.join(tools)}"
        return self._suggestion(
            Kind.WILDCARD, place, patterns, uses=uses, value=tools, change=change
        )

    def _is_old(self, person: str, server: str) -> bool:
        house = self.looking.house
        youngest = house.grants_since.get((person, server), house.now)
        return house.whole and youngest <= house.since

    # --- Lists of roles and people ----------------------------------------------------------------
    def restrictions(self) -> Iterator[Suggestion]:
        """`allow_only` and `allow_all` of a role on a server."""
        for server, said in sorted(self.looking.snapshot.document.get("servers", {}).items()):
            for role, modes in sorted((said.get("role_restrictions") or {}).items()):
                # Where both stand, `allow_only` is what holds.
                patterns = modes.get("allow_only", ["*"] if modes.get("allow_all") else [])
                tools = self._of_role(role, server, patterns)
                if tools is None:
                    continue
                kept = {key: value for key, value in modes.items() if key != "allow_all"}
                yield self._suggestion(
                    *(Kind.WILDCARD, ("mcps", role, server), patterns),
                    uses=self.looking.by_role[role],
                    value=kept | {"allow_only": tools},
                    change=f"role_restrictions.{role}: allow_only {', '.join(tools)}",
                )

    def roles_own(self) -> Iterator[Suggestion]:
        """`allowed_mcp_tools` of a role."""
        for role, said in sorted(self.looking.snapshot.document.get("roles", {}).items()):
            allowed = said.get("allowed_mcp_tools") or {}
            for server, patterns in sorted(allowed.items()):
                tools = self._of_role(role, server, patterns)
                if tools is None:
                    continue
                yield self._suggestion(
                    *(Kind.WILDCARD, ("roles", role, server), patterns),
                    uses=self.looking.by_role[role],
                    value=tools,
                    change=f"roles.{role}.allowed_mcp_tools.{server}: {', '.join(tools)}",
                )

    def entries(self) -> Iterator[Suggestion]:
        """What people have of their own: whole servers, and patterns."""
        for person, subject in sorted(self.looking.snapshot.people.items()):
            uses, said = self.looking.by_person.get(person, []), subject.allowed_mcps
            # What was allowed then and is not today would come to be refused by any change of it.
            if isinstance(said, Mapping) and uses and self.looking.still_given(subject, uses):
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
                    *(Kind.WILDCARD, ("people", person, server), patterns),
                    uses=uses,
                    value={**modes, "mode": "custom", "tools": tools},
                    change=f"allowed_mcps.{server}: custom, {', '.join(tools)}",
                )

    # --- Narrowing one list -----------------------------------------------------------------------
    def _of_role(self, role: str, server: str, patterns: Sequence[str]) -> list[str] | None:
        if self.looking.bypasses(role):
            return None
        return self._narrowed(self.looking.by_role.get(role, []), server, patterns)

    def _narrowed(
        self, uses: Sequence[Use], server: str, patterns: Sequence[str]
    ) -> list[str] | None:
        """The list with its wildcards as the tools used; None where that would be no less."""
        wild = [text for text in patterns if _is_wild(text)]
        fitting = self.looking.fitting(uses, server, wild)
        if not fitting or len(fitting) >= len(self.looking.matched(server, wild)):
            return None
        try:
            named = [_named(server, tool) for tool in fitting]
        except PatternError:
            return None
        return [*(text for text in patterns if not _is_wild(text)), *named]

    def _suggestion(
        self,
        kind: Kind,
        place: tuple[str, str, str],
        patterns: Sequence[str],
        *,
        uses: Sequence[Use],
        value: Any,
        change: str,
    ) -> Suggestion:
        section, name, server = place
        used = self.looking.fitting(uses, server, patterns)
        counted = (use for use in uses if use.server == server and use.tool in used)
        return Suggestion(
            kind=kind,
            who=f"{_WHO[section]} {name}",
            server=server,
            patterns=tuple(patterns),
            given=len(self.looking.matched(server, patterns) | set(used)),
            used=tuple(used),
            **self.looking.evidence(counted),
            change=change,
            place=place,
            value=value,
        )


def _is_wild(text: str) -> bool:
    return text.startswith("@") or "*" in text or "?" in text


def _named(server: str, tool: str) -> str:
    """The pattern that fits this tool and no other. Raises PatternError where there is none."""
    if _is_wild(tool):
        raise PatternError(f"{tool!r} is no name that a pattern can say")
    text = f"{server}/{tool}" if "/" in tool else tool
    check_pattern(text)
    return text
