"""The stored tools as they are now, kept in memory until one of them or their servers changes.

All of them together: so a name that nobody has is looked up just as fast as one that somebody has,
and the time of an answer tells neither from the other. What is handed out is shared by all threads:
nobody changes it.
"""

from collections.abc import Mapping

from audit.stamps import Kept
from registry.models import Server, Tool
from registry.verbs import VERBS, as_tool

_kept = Kept("registry", of="tools")


def find(server: str, name: str) -> Tool | None:
    """The tool of exactly this server and name, with its server; nothing is normalised.

    Also one of the verbs that every server has beside its tools (`registry.verbs`).
    """
    if name in VERBS:
        return next((one for one in verbs(name) if one.server.name == server), None)
    return _by_place().get((server, name))


def find_of(server_id: int, name: str) -> Tool | None:
    """The tool of this name of the server with this id."""
    return _kept.get("by server", _read_by_server).get((server_id, name))


def verbs(name: str) -> tuple[Tool, ...]:
    """This verb on each server, in the order of their names."""
    return _kept.get(("verbs", name), lambda: _verbs(name))


def find_qualified(name: str) -> Tool | None:
    """The tool that models and MCP clients call by this name."""
    return _by_qualified_name().get(name)


def everything() -> tuple[Tool, ...]:
    """All tools with their servers, offered or not, in the order of their qualified names."""
    return _kept.get("everything", _read_all)


def other_servers(name: str) -> frozenset[str]:
    """The names of all servers but this one."""
    return _kept.get("servers", _read_servers) - {name}


def _by_place() -> Mapping[tuple[str, str], Tool]:
    return _kept.get("by place", lambda: {(t.server.name, t.name): t for t in everything()})


def _by_qualified_name() -> Mapping[str, Tool]:
    return _kept.get("by name", lambda: {tool.qualified_name: tool for tool in everything()})


def _read_by_server() -> Mapping[tuple[int, str], Tool]:
    return {(tool.server_id, tool.name): tool for tool in everything()}


def _read_servers() -> frozenset[str]:
    return frozenset(Server.objects.values_list("name", flat=True))


def _verbs(name: str) -> tuple[Tool, ...]:
    return tuple(as_tool(server, name) for server in Server.objects.order_by("name"))


def _read_all() -> tuple[Tool, ...]:
    return tuple(Tool.objects.select_related("server").order_by("qualified_name"))
