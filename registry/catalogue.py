"""The stored tools as they are now, kept in memory until one of them or their servers changes.

What is handed out is shared by all threads: nobody changes it.
"""

from audit.stamps import Kept
from audit.storable import is_storable
from registry.models import Server, Tool
from registry.verbs import VERBS, as_tool

_kept = Kept("registry", size=50_000, of="tools")


def find(server: str, name: str) -> Tool | None:
    """The tool of exactly this server and name, with its server; nothing is normalised.

    Also one of the verbs that every server has beside its tools (`registry.verbs`).
    """
    if name in VERBS:
        return _kept.get(("tool", server, name), lambda: _verb(server, name))
    return _kept.get(("tool", server, name), lambda: _read(server__name=server, name=name))


def verbs(name: str) -> tuple[Tool, ...]:
    """This verb on each server, in the order of their names."""
    return _kept.get(("verbs", name), lambda: _verbs(name))


def find_qualified(name: str) -> Tool | None:
    """The tool that models and MCP clients call by this name."""
    return _kept.get(("qualified", name), lambda: _read(qualified_name=name))


def everything() -> tuple[Tool, ...]:
    """All tools with their servers, offered or not, in the order of their qualified names."""
    return _kept.get("everything", _read_all)


def _verb(server: str, name: str) -> Tool | None:
    found = Server.objects.filter(name=server).first()
    return None if found is None else as_tool(found, name)


def _verbs(name: str) -> tuple[Tool, ...]:
    return tuple(as_tool(server, name) for server in Server.objects.order_by("name"))


def _read(**exactly: str) -> Tool | None:
    if not all(map(is_storable, exactly.values())):
        return None
    return Tool.objects.select_related("server").filter(**exactly).first()


def _read_all() -> tuple[Tool, ...]:
    return tuple(Tool.objects.select_related("server").order_by("qualified_name"))
