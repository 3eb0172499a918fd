"""The names that files may refer to: those of the same import, and those in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import Role, Rule, Team
from omni2.configuration.checking import Checked
from registry.models import Server


@dataclass(frozen=True)
class Known:
    """Names that exist already or will after the import."""

    roles: frozenset[str]
    teams: frozenset[str]
    servers: frozenset[str]
    groups: frozenset[str]


def known(files: Mapping[str, Checked]) -> Known:
    """The names in these files, keyed as in the vocabulary, and in the database."""
    people, servers = _data(files, "users.yaml"), _data(files, "mcps.yaml")
    # A file that is imported says all groups there are; without it the stored ones count.
    groups: frozenset[str] = frozenset(servers.get("tool_patterns", {}))
    draft = _data(files, "policy.yaml")
    if "tool_patterns" in draft:
        groups = frozenset(draft["tool_patterns"])
    elif "mcps.yaml" not in files:
        stored = Rule.objects.filter(kind=Rule.Kind.GROUP)
        groups = frozenset(stored.values_list("name", flat=True))
    named = (item.get("name") for item in servers.get("mcps", []) if item)
    return Known(
        roles=frozenset(
            [
                *people.get("roles", {}),
                *servers.get("roles", {}),
                *Role.objects.values_list("name", flat=True),
            ]
        ),
        teams=frozenset([*people.get("teams", {}), *Team.objects.values_list("key", flat=True)]),
        servers=frozenset(
            [*(name for name in named if name), *Server.objects.values_list("name", flat=True)]
        ),
        groups=groups,
    )


def _data(files: Mapping[str, Checked], name: str) -> Mapping[str, Any]:
    return files[name].data if name in files else {}
