"""What MCP clients are told of a tool, and call it: `server__tool`, or its own name if asked for.

A name means one tool, for everybody: where two would share a name, both keep the prefix.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.stamps import Kept
from registry import catalogue
from registry.models import Tool
from registry.openapi.operation import META

_kept = Kept("registry", size=1, of="names of tools for MCP clients")


@dataclass(frozen=True)
class Names:
    """Which tool a client means by a name, and which name it is given for a tool."""

    tools: Mapping[str, Tool]
    of: Mapping[str, str]


def names() -> Names:
    """The names of all tools now, offered or not; `of` goes by their qualified names."""
    return _kept.get("names", _name_all)


def published(tool: Tool) -> dict[str, Any]:
    """The tool object as it was accepted, without our own notes on how it is called."""
    meta = tool.definition.get("_meta")
    if not isinstance(meta, dict) or META not in meta:
        return dict(tool.definition)
    others = {key: value for key, value in meta.items() if key != META}
    found = {key: value for key, value in tool.definition.items() if key != "_meta"}
    return found | ({"_meta": others} if others else {})


def _name_all() -> Names:
    tools = catalogue.everything()
    wanted = {tool.qualified_name: _wanted(tool) for tool in tools}
    taken = Counter(wanted.values()) + Counter(
        tool.qualified_name for tool in tools if wanted[tool.qualified_name] != tool.qualified_name
    )
    of = {name: plain if taken[plain] == 1 else name for name, plain in wanted.items()}
    return Names({of[tool.qualified_name]: tool for tool in tools}, of)


def _wanted(tool: Tool) -> str:
    return tool.qualified_name if tool.server.tool_prefix else tool.name
