"""Syncs that somebody asked for: who it was is on the record before the server is asked."""

from collections.abc import Sequence

from audit import changes
from audit.record import Who
from registry import discovery
from registry.discovery import Synced, SyncReport
from registry.models import Server


def sync_now(server: Server, *, who: Who) -> SyncReport:
    """Read the server's tools. Raises as `discovery.sync` does; then nothing has changed."""
    _note(server, who)
    return discovery.sync(server)


def sync_these(servers: Sequence[Server], *, who: Who) -> list[Synced]:
    """Read the tools of these servers, many at a time; one that fails stops nobody."""
    for server in servers:
        _note(server, who)
    return discovery.sync_all(servers)


def _note(server: Server, who: Who) -> None:
    changes.note(server, "sync tools", who=who, facts={"server": server.name})
