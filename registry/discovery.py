"""What a server offers, against what somebody accepted.

A tool is offered as it was accepted and not otherwise: its fingerprint is over everything its
server says of it. What is new, changed or unusable is set aside with the reason; the other tools of
the server stay. The network comes first, then one transaction: a failure changes no tool.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from audit import record
from audit.models import Entry
from registry import health, moving, tokens, withholding
from registry.endpoints import endpoint_to_list, require_on, with_document
from registry.errors import NotConnected, RegistryError, SwitchedOff, SyncFailed
from registry.mcp.client import Listing, connections
from registry.mcp.errors import UpstreamError
from registry.models import Server, Tool
from registry.offerings import cleaned
from registry.offers import offers_of, storable
from registry.settling import Outcome, settle

log = logging.getLogger(__name__)

# They wait, most of the time: with few threads, as many servers that hang would hold up all others.
SYNC_AT_ONCE = 64
INSTRUCTIONS_LENGTH = 16_000
# Seconds after which a list is read anew where its server says how long it is good for (`ttlMs`).
SOONEST, LATEST = 60.0, 86_400.0


@dataclass(frozen=True)
class SyncReport:
    """What one look at a server's tools changed, by name; `set_aside` is all that waits now."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    set_aside: tuple[tuple[str, str], ...] = ()
    offered: int = 0


@dataclass(frozen=True)
class Synced:
    """How one server of many fared: a report, or the error that left it as it was."""

    server: Server
    report: SyncReport | None = None
    error: RegistryError | None = None


def sync(server: Server) -> SyncReport:
    """Read the server's tools and settle each.

    Raises `SyncFailed`, `SwitchedOff`, or `NotConnected` where nobody has connected an account to
    read them with; then nothing has changed.
    """
    listing = _list(server)
    if isinstance(listing, RegistryError):
        _note_failure(server, listing)
        raise listing
    return _store(server, listing)


def sync_all(servers: Sequence[Server]) -> list[Synced]:
    """Sync many at a time; the order is kept. One that hangs or fails delays and stops nobody."""
    done: dict[int, Synced] = {}
    services = [one for one in servers if one.transport == Server.Transport.OPENAPI]
    prefetch_related_objects(services, "document")
    with ThreadPoolExecutor(SYNC_AT_ONCE, thread_name_prefix="sync") as pool:
        looks = {pool.submit(_list_aside, one): one for one in health.likely_first(servers)}
        for look in as_completed(looks):
            server = looks[look]
            done[server.pk] = _settled(server, look)
    return [done[server.pk] for server in servers]


def _list_aside(server: Server) -> Listing | RegistryError:
    """`_list` in a thread of a pool, which reads the database only where a token is needed."""
    try:
        return _list(server)
    finally:
        connection.close()


def _list(server: Server) -> Listing | RegistryError:
    """What the server lists, or why not."""
    try:
        require_on(server)
        if tokens.listing_person(server) is None:
            return NotConnected(server.name)
        endpoint = with_document(server, endpoint_to_list(server))
        return connections.list_tools(endpoint, timeout=settings.MCP_CALL_TIMEOUT)
    except RegistryError as error:
        return error
    except UpstreamError as error:
        return SyncFailed(f"server {server.name}: {health.told(str(error)) or error.code}")


def _settled(server: Server, look: Future[Listing | RegistryError]) -> Synced:
    """What became of one server. Whatever goes wrong with it must not stop the others."""
    try:
        listing = look.result()
        if isinstance(listing, RegistryError):
            _note_failure(server, listing)
            return Synced(server, error=listing)
        return Synced(server, report=_store(server, listing))
    except SyncFailed as error:
        return Synced(server, error=error)
    except Exception:
        log.exception("a sync failed unexpectedly", extra={"server": server.name})
        return Synced(
            server, error=SyncFailed(f"server {server.name}: the sync broke; see the log")
        )


def _note_failure(server: Server, error: RegistryError) -> None:
    if isinstance(error, NotConnected | SwitchedOff):
        # That nobody could look says nothing of the server.
        return
    with transaction.atomic():
        health.observe(server, error=error.message)
        record.write(
            Entry.Kind.REGISTRY_SYNCED,
            Entry.Outcome.FAILED,
            server=server.name,
            error_code=error.code,
            detail={"message": error.message},
        )


def _store(server: Server, listing: Listing) -> SyncReport:
    with transaction.atomic():
        row = Server.objects.select_for_update().get(pk=server.pk)
        if moving.place_of(row) != moving.place_of(server):
            raise SyncFailed(f"server {server.name}: it was moved while its tools were read")
        outcome = settle(row, offers_of(listing.tools))
        _describe(row, listing)
        health.observe(row)
        report = _report(row, outcome)
        _write_entry(row, report)
    server.refresh_from_db()
    return report


def _describe(server: Server, listing: Listing) -> None:
    server.protocol_version = str(storable(listing.protocol_version))[:32]
    server.server_info = storable(listing.server_info)
    server.instructions = str(storable(listing.instructions))[:INSTRUCTIONS_LENGTH]
    server.synced_at = timezone.now()
    server.sync_due_at = _due_again(server, listing.seconds)
    fields = ["protocol_version", "server_info", "instructions", "synced_at", "sync_due_at"]
    offerings = cleaned(listing.offerings)
    if offerings != server.offerings:
        # Written only then: whoever keeps lists in memory reads them anew.
        before, server.offerings = server.offerings, offerings
        fields.append("offerings")
        withholding.notice(server, before)
    server.save(update_fields=fields)


def _due_again(server: Server, seconds: float) -> datetime | None:
    """When the lists that were just read are out of date by their server's word."""
    now = timezone.now()
    if server.sync_due_at is not None and server.sync_due_at <= now:
        # It said meanwhile that they have changed.
        return server.sync_due_at
    return now + timedelta(seconds=min(max(seconds, SOONEST), LATEST)) if seconds else None


def _report(server: Server, outcome: Outcome) -> SyncReport:
    results = outcome.settled
    return SyncReport(
        added=tuple(result.name for result in results if result.is_new),
        changed=tuple(result.name for result in results if result.is_changed),
        gone=outcome.gone,
        set_aside=tuple((result.name, result.reason) for result in results if result.reason),
        offered=server.tools.filter(state=Tool.State.OFFERED).count(),
    )


def _write_entry(server: Server, report: SyncReport) -> None:
    record.write(
        Entry.Kind.REGISTRY_SYNCED,
        Entry.Outcome.OK,
        server=server.name,
        detail={
            "offered": report.offered,
            "added": len(report.added),
            "changed": len(report.changed),
            "gone": len(report.gone),
            "set_aside": len(report.set_aside),
        },
    )
