"""What waits for somebody's decision, as whoever decides gets to see it, at every door."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from registry import catalogue, likeness
from registry.deciding import flaw_of_waiting, form_of
from registry.drift import NEW_WORDING, Difference, differences
from registry.likeness import Neighbour
from registry.models import Tool
from registry.scanner import findings


@dataclass(frozen=True)
class Review:
    """One tool with the form there is to decide on, known by its `fingerprint`.

    `accepted` is {} for a tool that was never accepted. `warnings` are of the whole form, without
    what the differences tell; `flaw` is why nobody can accept it, "" when somebody can.
    """

    tool: Tool
    fingerprint: str
    accepted: dict[str, Any]
    waiting: dict[str, Any]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]
    flaw: str

    @property
    def is_dangerous(self) -> bool:
        """Whether something stands here that the person who decides must not overlook."""
        return bool(self.warnings) or any(one.dangerous for one in self.differences)


def review(tools: Iterable[Tool]) -> list[Review]:
    """What there is to see of each of these tools, in their order."""
    everything = [
        Neighbour(other.server.name, other.name, other.qualified_name)
        for other in catalogue.everything()
    ]
    return [_review(tool, everything) for tool in tools]


def _review(tool: Tool, everything: list[Neighbour]) -> Review:
    accepted = tool.definition if tool.fingerprint else {}
    waiting = tool.definition if tool.pending is None else tool.pending
    others = [one for one in everything if one.server != tool.server.name]
    servers = catalogue.other_servers(tool.server.name)
    told = differences(accepted, waiting, servers=servers) if accepted else []
    known = {one.said for one in told}
    found = [
        one for one in findings(waiting, servers=servers) if f"{NEW_WORDING}: {one}" not in known
    ]
    return Review(
        tool=tool,
        fingerprint=form_of(tool),
        accepted=accepted,
        waiting=waiting,
        differences=tuple(told),
        warnings=(*found, *likeness.warnings(waiting, tool.name, others)),
        flaw=flaw_of_waiting(tool),
    )
