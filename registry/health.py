"""Whether servers answer: looked at now and then, remembered for a week, told when it changes."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit import record
from audit.models import Entry
from audit.redact import redact_text
from registry.endpoints import endpoint_to_list, require_on
from registry.errors import RegistryError, SwitchedOff
from registry.mcp.client import connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import HttpRefused, UpstreamError
from registry.models import HealthCheck, Server

log = logging.getLogger(__name__)

# One failure of a server that was up may be chance.
FAILURES_TO_BE_DOWN = 2
KEEP = timedelta(days=7)
# They wait, most of the time: with few threads, as many servers that hang would hold up all others.
LOOK_AT_ONCE = 64
ERROR_LENGTH = 500


def check(server: Server) -> HealthCheck:
    """Ask the server whether it is there, and keep the answer. Never raises for its failure.

    One that is switched off is not asked: the check says so, and is not kept.
    """
    return _not_asked(server) or _keep(server, *_look(server))


def check_all(servers: Sequence[Server]) -> list[HealthCheck]:
    """`check` many at a time; one that hangs delays nobody. Forgets what is older than a week."""
    checks = [refused for server in servers if (refused := _not_asked(server))]
    servers = [server for server in servers if server.takes_part]
    with ThreadPoolExecutor(LOOK_AT_ONCE, thread_name_prefix="health") as pool:
        looks = {pool.submit(_look_aside, server): server for server in likely_first(servers)}
        for look in as_completed(looks):
            try:
                checks.append(_keep(looks[look], *look.result()))
            except Exception:
                log.exception("a check failed unexpectedly", extra={"server": looks[look].name})
    prune()
    return checks


def likely_first(servers: Sequence[Server]) -> list[Server]:
    """Those that answered when they were last asked before those that did not."""
    return sorted(servers, key=lambda server: server.health == Server.Health.DOWN)


def prune() -> int:
    """Delete checks older than a week; the number of them."""
    return HealthCheck.objects.filter(at__lt=timezone.now() - KEEP).delete()[0]


def observe(server: Server, *, milliseconds: int = 0, error: str = "") -> HealthCheck:
    """Keep that the server answered, or with which error it did not, and judge its health by it.

    Up after one success; down after two failures in a row, or one when nothing good is known of it.
    """
    error = told(error)
    with transaction.atomic():
        row = Server.objects.select_for_update().get(pk=server.pk)
        seen = HealthCheck.objects.create(
            server=row, ok=not error, milliseconds=milliseconds, error=error
        )
        before, row.health = row.health, _judge(row, ok=not error)
        row.last_error, row.checked_at = error, seen.at
        row.save(update_fields=["health", "last_error", "checked_at"])
        if row.health != before:
            _tell(row, before, error)
    server.health, server.last_error, server.checked_at = row.health, row.last_error, row.checked_at
    return seen


def told(error: str) -> str:
    """An upstream's error as it may be kept and shown: without secrets, on one line, cut."""
    text = " ".join(redact_text(error).split())
    return text if len(text) <= ERROR_LENGTH else f"{text[: ERROR_LENGTH - 1]}…"


def _look_aside(server: Server) -> tuple[int, str]:
    """`_look` in a thread of a pool, which reads the database only where a token is needed."""
    try:
        return _look(server)
    finally:
        connection.close()


def last_said(server: Server) -> str:
    """The end of what the server's command wrote to stderr in this process, without secrets."""
    return redact_text("\n".join(connections.last_said(server.name)))


def _not_asked(server: Server) -> HealthCheck | None:
    """Why this server is not asked, as a check that is no row; None where it is."""
    try:
        require_on(server)
    except SwitchedOff as error:
        return HealthCheck(server=server, ok=False, error=error.message)
    return None


def _look(server: Server) -> tuple[int, str]:
    """Milliseconds and error of one ping."""
    started = time.monotonic()
    try:
        _ping(server, endpoint_to_list(server))
    except (RegistryError, UpstreamError) as failure:
        return _since(started), str(failure) or failure.code
    return _since(started), ""


def _ping(server: Server, endpoint: Endpoint) -> None:
    try:
        connections.ping(endpoint, timeout=settings.MCP_CONNECT_TIMEOUT)
    except HttpRefused as refused:
        # Nobody has connected an account yet: a no is all that a server which is there can say.
        if not server.speaks_oauth or endpoint.account is not None or refused.status != 401:
            raise


def _keep(server: Server, milliseconds: int, error: str) -> HealthCheck:
    return observe(server, milliseconds=milliseconds, error=error)


def _judge(server: Server, *, ok: bool) -> str:
    if ok:
        return Server.Health.UP
    if server.health != Server.Health.UP:
        return Server.Health.DOWN
    latest = server.checks.order_by("-at", "-pk").values_list("ok", flat=True)[:FAILURES_TO_BE_DOWN]
    return Server.Health.UP if any(latest) else Server.Health.DOWN


def _tell(server: Server, before: str, error: str) -> None:
    up = server.health == Server.Health.UP
    record.write(
        Entry.Kind.REGISTRY_HEALTH,
        Entry.Outcome.OK if up else Entry.Outcome.FAILED,
        server=server.name,
        detail={"before": before, "now": server.health, "error": error},
    )


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
