"""What a decision rested on, as JSON: kept with it, so that it can be taken again later.

Only what differs from the ordinary is written, so that a record of a million calls stays small.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.policy.decide import decide
from accounts.policy.model import Decision, Grant, Subject, Target
from accounts.policy.rules import Policy


@dataclass(frozen=True, slots=True)
class Inputs:
    """Who asked for what, when; everything a decision needs beyond the policy and arguments."""

    subject: Subject
    target: Target
    at: datetime

    def decide(self, policy: Policy, arguments: Mapping[str, Any] | None) -> Decision:
        """The decision of this policy on these inputs."""
        return decide(policy, self.subject, self.target, arguments, self.at)

    def as_json(self) -> dict[str, Any]:
        """The inputs as plain JSON."""
        return {
            "subject": subject_as_json(self.subject),
            "target": target_as_json(self.target),
            "at": self.at.isoformat(),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Inputs":
        """The inputs as they were. Raises ValueError for what is none."""
        try:
            return cls(
                subject_from_json(kept["subject"]),
                target_from_json(kept["target"]),
                datetime.fromisoformat(kept["at"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"these are no inputs of a decision: {error}") from None


def subject_as_json(subject: Subject) -> dict[str, Any]:
    """One person as the policy saw them."""
    said: dict[str, Any] = {
        "person": subject.person,
        "role": subject.role,
        "teams": list(subject.teams),
        "super_admin": subject.super_admin,
        "views_record": subject.views_record,
        "status": "" if subject.status == "active" else subject.status,
        "allowed_mcps": subject.allowed_mcps,
        "grants": [_grant_as_json(grant) for grant in subject.grants],
        "attributes": {
            name: value if isinstance(value, str) else list(value)
            for name, value in subject.attributes.items()
        },
    }
    # An empty reach is "no server", and a key that reaches nothing is no key that reaches all.
    kept = {key: value for key, value in said.items() if value or key == "allowed_mcps"}
    if kept["allowed_mcps"] is None:
        del kept["allowed_mcps"]
    only = subject.only_servers
    return kept if only is None else kept | {"only_servers": sorted(only)}


def subject_from_json(kept: Mapping[str, Any]) -> Subject:
    """The person that `subject_as_json` wrote down."""
    only = kept.get("only_servers")
    return Subject(
        person=kept.get("person", ""),
        role=kept.get("role"),
        teams=tuple(kept.get("teams", ())),
        super_admin=kept.get("super_admin") is True,
        views_record=kept.get("views_record") is True,
        status=kept.get("status", "active"),
        allowed_mcps=kept.get("allowed_mcps"),
        grants=tuple(map(_grant_from_json, kept.get("grants", ()))),
        attributes={
            name: "*" if value == "*" else tuple(value)
            for name, value in kept.get("attributes", {}).items()
        },
        only_servers=None if only is None else frozenset(only),
    )


def target_as_json(target: Target) -> dict[str, Any]:
    """One tool as the policy saw it."""
    said: dict[str, Any] = {
        "server": target.server,
        "tool": target.tool,
        "disabled": not target.enabled,
        "state": "" if target.state == "offered" else target.state,
        "tags": list(target.tags),
        "read_only": target.read_only,
        "harmless": not target.destructive,
        "shows_record": target.shows_record,
        "server_off": target.server_off,
    }
    return {key: value for key, value in said.items() if value}


def target_from_json(kept: Mapping[str, Any]) -> Target:
    """The tool that `target_as_json` wrote down."""
    return Target(
        server=kept["server"],
        tool=kept["tool"],
        enabled=not kept.get("disabled", False),
        state=kept.get("state", "offered"),
        tags=tuple(kept.get("tags", ())),
        read_only=kept.get("read_only", False),
        destructive=not kept.get("harmless", False),
        shows_record=kept.get("shows_record", False),
        server_off=kept.get("server_off", False),
    )


def _grant_as_json(grant: Grant) -> list[Any]:
    until = grant.expires_at.isoformat() if grant.expires_at else None
    return [grant.server, list(grant.tools), until]


def _grant_from_json(kept: list[Any]) -> Grant:
    server, tools, until = kept
    return Grant(server, tuple(tools), datetime.fromisoformat(until) if until else None)
