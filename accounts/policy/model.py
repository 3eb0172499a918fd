"""What goes into a decision and what comes out. All values, no behaviour but reading them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class Effect(StrEnum):
    """What a decision says."""

    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"


class Verdict(StrEnum):
    """What one layer says."""

    PASS = "pass"
    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"
    BYPASS = "bypass"
    UNKNOWN = "not yet known"


class Layer(StrEnum):
    """The ten layers, in the order they are asked."""

    STANDING = "standing"
    BLOCKS = "global blocks"
    ADMIN_ONLY = "admin only"
    EXPOSURE = "exposure"
    REACH = "reach"
    OWN_RULE = "own rule"
    ROLE = "role"
    DEFAULT = "default"
    ARGUMENTS = "arguments"
    CONFIRMATION = "confirmation"


@dataclass(frozen=True, slots=True)
class Step:
    """What one layer answered, by which rule, and what would change it."""

    layer: str
    verdict: str
    rule: str
    reason: str
    fix: str = ""
    # Whether a grant of this one tool would get past this layer and all before the arguments.
    grant_helps: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, the layer and rule that gave it, and every layer asked on the way."""

    effect: Effect
    layer: str
    rule: str
    reason: str
    fix: str
    trace: tuple[Step, ...]
    bypassed: tuple[str, ...] = ()
    grant_helps: bool = False

    @property
    def allowed(self) -> bool:
        """True for `allow` alone: what must be confirmed first is not allowed yet."""
        return self.effect is Effect.ALLOW

    def summary(self) -> dict[str, Any]:
        """The decision as JSON for the record, without the trace."""
        return {
            "effect": str(self.effect),
            "layer": str(self.layer),
            "rule": self.rule,
            "reason": self.reason,
            "fix": self.fix,
            "bypassed": list(self.bypassed),
            "grant_helps": self.grant_helps,
        }


@dataclass(frozen=True, slots=True)
class Grant:
    """Some tools of one server, until a moment that may never come."""

    server: str
    tools: tuple[str, ...]
    expires_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended by then."""
        return self.expires_at is None or self.expires_at > now


@dataclass(frozen=True, slots=True)
class Subject:
    """One person as the policy sees them. None and missing mean: the default user's value holds."""

    person: str
    role: str | None = None
    teams: tuple[str, ...] = ()
    super_admin: bool = False
    status: str = "active"
    allowed_mcps: Any = None
    grants: tuple[Grant, ...] = ()
    attributes: Mapping[str, Literal["*"] | tuple[str, ...]] = field(default_factory=dict)
    # What the API key narrows the person to; None is no narrowing.
    only_servers: frozenset[str] | None = None
    views_record: bool = False

    @classmethod
    def somebody_of(
        cls, role: str, *, status: str = "active", views_record: bool = False
    ) -> "Subject":
        """Somebody of this role who reaches every server and has nothing of their own."""
        return cls(person="", role=role, status=status, allowed_mcps="*", views_record=views_record)


@dataclass(frozen=True, slots=True)
class Target:
    """One tool of one server, as the registry holds it."""

    server: str
    tool: str
    enabled: bool = True
    state: str = "offered"
    tags: tuple[str, ...] = ()
    read_only: bool = False
    destructive: bool = True
    # Only for those who may view the record, whatever any rule or grant says.
    shows_record: bool = False
    # By its server's kill switch; it does not take part then either.
    server_off: bool = False
