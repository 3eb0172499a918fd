"""What a caller is shown: the tools that a call of theirs would not be refused by name."""

from collections.abc import Mapping
from typing import Any

from accounts import access
from accounts.policy import Policy
from audit.stamps import Kept
from gateway import toolbox
from gateway.mcp_endpoint.caller import Caller
from registry import catalogue, publishing
from registry.models import Tool

_kept = Kept("accounts", "registry", size=2, of="tools as MCP clients see them")


def tools(caller: Caller) -> dict[str, Any]:
    """The result of `tools/list`, in a fixed order. What it holds is shared: nobody changes it."""
    box = toolbox.open_for(caller.asker, server=caller.server)
    known = _kept.get(bool(caller.server), lambda: _definitions(own_names=bool(caller.server)))
    return {"tools": [known[spec.name] for spec in box.offered if spec.name in known]}


def find_tool(caller: Caller, name: str) -> Tool | None:
    """The tool that the caller means by this name, whether or not they may call it."""
    if caller.server:
        return catalogue.find(caller.server, name)
    return publishing.names().tools.get(name)


def _definitions(*, own_names: bool) -> Mapping[str, dict[str, Any]]:
    policy, _ = access.current()
    public = publishing.names().of
    return {
        tool.qualified_name: _definition(
            tool, policy, name=tool.name if own_names else public.get(tool.qualified_name, "")
        )
        for tool in catalogue.everything()
    }


def _definition(tool: Tool, policy: Policy, *, name: str) -> dict[str, Any]:
    """The whole tool object as it was accepted, under the name that this door gives it."""
    schema = toolbox.spec_of(tool, policy).input_schema
    return {**tool.definition, "name": name, "inputSchema": schema}
