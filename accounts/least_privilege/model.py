"""What suggestions are made of: who used what, the house that is looked at, one suggestion."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from accounts.effects import Snapshot

MOST_NAMED = 8
ID_LENGTH = 12


class Kind(StrEnum):
    """What is more than was used."""

    UNUSED_GRANT = "unused_grant"
    WILDCARD = "wildcard"
    REACH = "reach"
    SMALLER_ROLE = "smaller_role"


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
    """One change with its evidence; `place` and `value` are where policy.yaml says it, and what.

    `server` is empty where it is about all of them. `given` counts tools, or servers for a reach,
    and `used` names those of them that were used.
    """

    kind: Kind
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

    @property
    def id(self) -> str:
        """The same for the same change, whenever it is suggested."""
        said = json.dumps([self.place, self.value], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:ID_LENGTH]

    def evidence(self) -> str:
        """What was given and what of it was used, in a sentence."""
        what = "server" if self.kind == Kind.REACH else "tool"
        if not self.calls:
            return f"no call since {self.since:%Y-%m-%d}; {counted(self.given, what)} given"
        named = ", ".join(self.used[:MOST_NAMED])
        more = len(self.used) - MOST_NAMED
        named += f" and {more} more" if more > 0 else ""
        last = f", last {self.last:%Y-%m-%d}" if self.last else ""
        count = f"{counted(self.calls, 'call')} since {self.since:%Y-%m-%d}{last}"
        return f"{count}; {len(self.used)} of {counted(self.given, what)} used: {named or 'none'}"

    def as_json(self) -> dict[str, Any]:
        """Everything but the place in a file, which the draft has."""
        shown = asdict(self)
        del shown["place"], shown["value"]
        return {"id": self.id} | shown | {
            "patterns": list(self.patterns),
            "used": list(self.used),
            "last": self.last.isoformat() if self.last else None,
            "since": self.since.isoformat(),
            "evidence": self.evidence(),
        }  # fmt: skip


@dataclass(frozen=True)
class House:
    """What is looked at: the policy in force, the use since, and what the policy does not know.

    `grants_since`: (person, server) → since when the youngest of their grants there holds;
    `joined`: since when a person is there; `powers`: what each role that is on lets one do beyond
    anybody, as `authority.powers` says it. `whole` says that the record reaches back to `since`.
    """

    snapshot: Snapshot
    uses: Sequence[Use]
    since: datetime
    now: datetime
    grants_since: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    joined: Mapping[str, datetime] = field(default_factory=dict)
    powers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    whole: bool = True

    def knows_all_of(self, person: str) -> bool:
        """Whether the record has all that they did since, and they were there all the time."""
        return self.whole and self.joined.get(person, self.now) <= self.since

    def remark(self) -> str:
        """What the evidence lacks, in a sentence or two; empty when it lacks nothing."""
        if not self.uses:
            said = (
                "No call is on record in this time, so nothing is suggested: that is no evidence."
            )
        elif not self.whole:
            said = "So no grant and no reach is called unused for it, and no role too large."
        else:
            return ""
        back = "The record reaches back to" if not self.whole else "Looked at since"
        return f"{back} {self.since:%Y-%m-%d %H:%M}. {said}"


def counted(number: int, what: str) -> str:
    """So many of them, as a sentence says it."""
    return f"{number:,} {what}{'s' if number != 1 else ''}"
