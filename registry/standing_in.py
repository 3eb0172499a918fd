"""Which server stands in for another one, and with which tool.

An administrator says it of the server (`Server.fallback`). It is for tools that only read, by the
word of both servers: of nothing else may a second one be called because the first did not answer.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from audit import changes
from audit.record import Who
from registry import catalogue, schemas
from registry.errors import BreakerOpen, CannotRegister, RegistryError, ServerBusy
from registry.mcp.errors import UpstreamError, is_its_fault
from registry.models import Server, Tool


def set_fallback(server: Server, name: str, by: Who) -> None:
    """Say which server stands in for this one; "" is none. Raises `CannotRegister`."""
    other = Server.objects.filter(name=name).first() if name else None
    if name and other is None:
        raise CannotRegister(f"There is no server called {ascii(name)[:64]}.", field="fallback")
    if other is not None and other.pk == server.pk:
        raise CannotRegister("A server does not stand in for itself.", field="fallback")
    with transaction.atomic():
        row = Server.objects.select_for_update().get(pk=server.pk)
        changed = changes.apply(row, {"fallback": other}, told=("fallback",))
        if changed:
            row.save(update_fields=["fallback"])
            facts = {"server": row.name}
            changes.note(row, "changed", who=by, facts=facts, **changed.detail())
    server.refresh_from_db(fields=["fallback"])


def is_unavailable(error: UpstreamError | RegistryError) -> bool:
    """Whether a call ended like this because its server was not there for it."""
    if isinstance(error, RegistryError):
        return isinstance(error, BreakerOpen | ServerBusy)
    return is_its_fault(error)


def tool_in_place_of(tool: Tool) -> Tool | None:
    """The tool of the server that stands in; None where there is none.

    It has the same name, and declares that it only reads, as the first one does. Whether it may be
    called is not asked here.
    """
    fallback = tool.server.fallback_id
    if fallback is None or not tool.declares_read_only:
        return None
    other = catalogue.find_of(fallback, tool.name)
    return other if other is not None and other.declares_read_only else None


def takes(tool: Tool, arguments: Mapping[str, Any], *, filled: Mapping[str, Any]) -> bool:
    """Whether the tool knows each of these arguments by name, and they are right as `filled`."""
    known = tool.input_schema.get("properties", {})
    return set(arguments) <= set(known) and not schemas.validate(tool.input_schema, dict(filled))
