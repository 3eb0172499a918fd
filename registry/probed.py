"""What a probe saw, judged as it would be if the server were registered now."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from registry import catalogue
from registry.challenge import Challenge
from registry.models import Server, Tool
from registry.naming import SERVER_NAME_LENGTH, check_server_name
from registry.offers import Offer, offers_of, storable
from registry.scanner import findings

# The first version without a handshake; versions are dates.
STATELESS = "2026-07-28"
SHOWN_TEXT = 16_000


@dataclass(frozen=True)
class SeenTool:
    """One tool: what it says it does, why it could never be offered, what is suspicious in it."""

    name: str
    title: str
    description: str
    effect: str
    has_hints: bool
    flaw: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """A server as it showed itself; `challenge` instead of tools where it wants a credential."""

    transport: str
    url: str = ""
    argv: tuple[str, ...] = ()
    protocol_version: str = ""
    server_info: dict[str, Any] = field(default_factory=dict)
    instructions: str = ""
    tools: tuple[SeenTool, ...] = ()
    warnings: tuple[str, ...] = ()
    challenge: Challenge | None = None
    document_url: str = ""
    suggested_authentication: str = "none"
    suggested_header: str = ""
    suggested_name: str = ""
    milliseconds: int = 0

    @property
    def generation(self) -> str:
        """Which of MCP's two generations it speaks; "" when that is not known."""
        if not self.protocol_version or self.transport not in MCP_TRANSPORTS:
            return ""
        return "stateless" if self.protocol_version >= STATELESS else "handshake"

    @property
    def transport_name(self) -> str:
        return str(Server.Transport(self.transport).label)


MCP_TRANSPORTS = (Server.Transport.HTTP, Server.Transport.SSE, Server.Transport.STDIO)


def tools_of(listed: Sequence[Any], *, url: str) -> tuple[SeenTool, ...]:
    """The listed tools with what a sync would say of each, and whose names they share."""
    offers = offers_of(listed)
    others = _owners([offer.name for offer in offers], url)
    return tuple(_seen(offer, others.get(offer.name, [])) for offer in offers)


def warnings_of(tools: Sequence[SeenTool], *, url: str, instructions: str) -> list[str]:
    """What somebody should know before registering a server like this."""
    said = [
        f"The server {name} is registered at this address already."
        for name in Server.objects.exclude(url="").filter(url=url).values_list("name", flat=True)
    ]
    if url.startswith("http:"):
        said.append("It speaks plain http: whoever is on the way can read and change everything.")
    said += [
        f"Its instructions: {one}."
        for one in findings({"instructions": instructions}, servers=catalogue.other_servers(""))
    ]
    silent = sum(not tool.has_hints for tool in tools)
    if silent:
        said.append(f"Tools without hints, which count as destructive: {silent}.")
    if not tools:
        said.append("It lists no tools.")
    return said


def suggested_name(server_info: dict[str, Any], url: str, argv: Sequence[str]) -> str:
    """A free name for the server, from what it calls itself, its host or its command; or ""."""
    host = re.sub(r"^[a-z]+://|(:[0-9]+)?([/?].*)?$", "", url)
    for text in (
        str(server_info.get("name", "")),
        host,
        argv[0].rpartition("/")[2] if argv else "",
    ):
        name = re.sub(r"[^a-z0-9]+", "-", text.lower())[:SERVER_NAME_LENGTH].strip("-")
        free = not Server.objects.filter(name__iexact=name).exists()
        if name and free and check_server_name(name) is None:
            return name
    return ""


def shown(text: object) -> str:
    """A server's text as it may be kept in an answer."""
    return str(storable(text))[:SHOWN_TEXT]


def _seen(offer: Offer, others: list[str]) -> SeenTool:
    tool = Tool(annotations=offer.annotations)
    clash = (f"{', '.join(others)} has a tool of this name too",) if others else ()
    return SeenTool(
        name=offer.name,
        title=offer.title,
        description=offer.description,
        effect=tool.declared_effect,
        has_hints=tool.declares_effect,
        flaw=offer.flaw,
        warnings=(*findings(offer.tool, servers=catalogue.other_servers("")), *clash),
    )


def _owners(names: Sequence[str], url: str) -> dict[str, list[str]]:
    """Which registered servers, beside one at this address, have tools of these names."""
    rows = Tool.objects.filter(name__in=names).exclude(state=Tool.State.GONE)
    rows = rows.exclude(server__url=url) if url else rows
    owners: dict[str, list[str]] = {}
    for name, server in rows.order_by("server__name").values_list("name", "server__name"):
        owners.setdefault(name, []).append(server)
    return owners
