"""A server is somewhere else now: what was seen of it at its old place says nothing of the new one.

| what is now another | offered tools | what waits |
|---|---|---|
| the address (transport, URL, command, directory) | set aside until it is read there | forgotten |
| the OpenAPI document | offered: calls go where they went, as they were accepted | forgotten |

Either way it is read anew at once (`registry.hearing.sync_due`), and that sync judges by the
server's `trust`: what was accepted is offered again in that very form, what was rejected stays so.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from audit import record
from audit.models import Entry
from registry.models import Server, Tool

ADDRESS = frozenset({"transport", "url", "argv", "cwd"})
ELSEWHERE = "its server is elsewhere now and has not been read there yet"
DESCRIBED_ANEW = "its server has another document now and has not been read since"


def moved(server: Server) -> int:
    """Set aside all that is known of the server's tools until it is read at its new address.

    The row is saved already. How many tools were offered till now.
    """
    with transaction.atomic():
        # All of them locked: somebody may be deciding on one.
        known = list(server.tools.select_for_update().order_by("pk"))
        offered = [tool for tool in known if tool.state == Tool.State.OFFERED]
        server.tools.filter(pk__in=[one.pk for one in offered]).update(
            state=Tool.State.QUARANTINED, state_reason=ELSEWHERE
        )
        record.write_many([_set_aside(server, tool) for tool in offered])
        _forget_waiting(server, ELSEWHERE)
        server.offerings, server.instructions = {}, ""
        _read_soon(server, "offerings", "instructions")
    return len(offered)


def described_anew(server: Server) -> None:
    """Forget what waits of the server: it stood in a document that is no longer the server's."""
    with transaction.atomic():
        _forget_waiting(server, DESCRIBED_ANEW)
        _read_soon(server)


def place_of(server: Server) -> tuple[Any, ...]:
    """Where the server's tools are read, to be compared with where they were."""
    is_service = server.transport == Server.Transport.OPENAPI
    document = getattr(server, "document", None) if is_service else None
    said = (document.url, document.text) if document else ()
    return (server.transport, server.url, tuple(server.argv), server.cwd, said)


def _forget_waiting(server: Server, reason: str) -> None:
    # Nobody may accept it now; whatever is said of its form (`rejections`) still holds.
    waiting = server.tools.filter(pending__isnull=False)
    waiting.update(pending=None, rejected_by="", state_reason=reason)


def _read_soon(server: Server, *changed: str) -> None:
    server.sync_due_at = timezone.now()
    server.save(update_fields=["sync_due_at", *changed])


def _set_aside(server: Server, tool: Tool) -> Entry:
    return record.prepare(
        Entry.Kind.TOOL_QUARANTINED,
        Entry.Outcome.REFUSED,
        server=server.name,
        tool=tool.name,
        fingerprint=tool.fingerprint,
        detail={"reason": ELSEWHERE},
    )
