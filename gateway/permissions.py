"""What somebody may call of everything that is registered, and by which rule: `decide`, in bulk."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from accounts import access
from accounts.policy import Decision, Effect, Subject, decide, effects
from gateway.toolbox import target_of
from registry import catalogue
from registry.models import Tool


@dataclass(frozen=True)
class Permission:
    """What the policy says of one tool, its arguments not yet known."""

    tool: Tool
    decision: Decision


@dataclass(frozen=True)
class Permissions:
    """The tools that were asked for, with their effects; the rules are told page by page."""

    subject: Subject
    policy_version: str
    tools: Sequence[tuple[Tool, Effect]]

    def by_server(self) -> dict[str, Counter[Effect]]:
        """How many tools of each server have which effect."""
        found: dict[str, Counter[Effect]] = {}
        for tool, effect in self.tools:
            found.setdefault(tool.server.name, Counter())[effect] += 1
        return found

    def only(self, effect: Effect) -> "Permissions":
        """Those with this effect."""
        kept = [pair for pair in self.tools if pair[1] == effect]
        return Permissions(self.subject, self.policy_version, kept)

    def page(self, offset: int, limit: int) -> list[Permission]:
        """Some of them, each with the rule that decides."""
        policy, now = access.current()[0], timezone.now()
        shown = (tool for tool, _ in self.tools[offset : offset + limit])
        return [
            Permission(tool, decide(policy, self.subject, target_of(tool), None, now))
            for tool in shown
        ]


def of(subject: Subject, *, server: str = "") -> Permissions:
    """The person's permissions on every registered tool, or on those of one server."""
    policy, version = access.current()
    tools = [one for one in catalogue.everything() if server in ("", one.server.name)]
    tools.sort(key=lambda tool: (tool.server.name, tool.name))
    decided = effects(policy, subject, map(target_of, tools), timezone.now())
    return Permissions(subject, version, list(zip(tools, decided, strict=True)))
