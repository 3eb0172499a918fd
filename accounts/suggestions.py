"""What the policy could stop giving: each suggestion with its evidence, all of them as a draft."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from accounts.effects import Snapshot

MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Use:
    """Calls that one person, under one role, made of one tool; `teams` as they were then."""

    person: str
    role: str | None
    teams: tuple[str, ...]
    server: str
    tool: str
    calls: int
    last: datetime


@dataclass(frozen=True)
class Suggestion:
    """One change with its evidence; `place` and `value` are where policy.yaml says it, and what."""

    kind: str
    who: str
    server: str
    patterns: tuple[str, ...]
    given: int
    used: tuple[str, ...]
    calls: int
    last: datetime | None
    since: datetime
    change: str
    place: tuple[str, str, str]
    value: Any

    def evidence(self) -> str:
        """What was given and what of it was used, in a sentence."""
        if not self.calls:
            return f"no call since {self.since:%Y-%m-%d}; {self.given} given"
        named = ", ".join(self.used[:MOST_NAMED])
        more = len(self.used) - MOST_NAMED
        named += f" and {more} more" if more > 0 else ""
        last = f", last {self.last:%Y-%m-%d}" if self.last else ""
        count = f"{self.calls:,} call{'s' if self.calls != 1 else ''} since {self.since:%Y-%m-%d}"
        return f"{count}{last}; {len(self.used)} of {self.given} used: {named}"

    def as_json(self) -> dict[str, Any]:
        shown = asdict(self)
        del shown["place"], shown["value"]
        return shown | {
            "patterns": list(self.patterns),
            "used": list(self.used),
            "last": self.last.isoformat() if self.last else None,
            "since": self.since.isoformat(),
            "evidence": self.evidence(),
        }


@dataclass(frozen=True)
class House:
    """What is looked at: the policy in force, the use since, and what the policy does not know.

    `grants_since`: (person, server) → since when the youngest of their grants there holds; `whole`
    says that the record reaches back to `since`.
    """

    snapshot: Snapshot
    uses: Sequence[Use]
    since: datetime
    now: datetime
    grants_since: Mapping[tuple[str, str], datetime]
    whole: bool = True

    def remark(self) -> str:
        """What the evidence lacks, in a sentence or two; empty when it lacks nothing."""
        if not self.uses:
            said = (
                "No call is on record in this time, so nothing is suggested: that is no evidence."
            )
        elif not self.whole:
            said = "No grant is called unused for it."
        else:
            return ""
        back = "The record reaches back to" if not self.whole else "Looked at since"
        return f"{back} {self.since:%Y-%m-%d %H:%M}. {said}"


def draft_of(suggestions: Iterable[Suggestion], snapshot: Snapshot) -> dict[str, Any]:
    """The content of a policy.yaml that makes exactly these changes."""
    grants: list[Any] = []
    found: dict[str, dict[str, Any]] = {"mcps": {}, "roles": {}, "people": {}}
    document = snapshot.document
    for one in suggestions:
        section, name, server = one.place
        if section == "grants":
            grants.append({"person": name, "server": server, "tools": one.value})
        elif section == "mcps":
            whole = found["mcps"].setdefault(server, deepcopy(document["servers"][server]))
            whole["role_restrictions"][name] = one.value
        elif section == "roles":
            allowed = deepcopy(document["roles"][name]["allowed_mcp_tools"])
            role = found["roles"].setdefault(name, {"allowed_mcp_tools": allowed})
            role["allowed_mcp_tools"][server] = one.value
        else:
            reach = {"allowed_mcps": deepcopy(snapshot.people[name].allowed_mcps)}
            found["people"].setdefault(name, reach)["allowed_mcps"][server] = one.value
    servers = [{"name": server, **said} for server, said in found.pop("mcps").items()]
    whole = {"grants": grants, "mcps": servers, **found}
    return {section: said for section, said in whole.items() if said}
