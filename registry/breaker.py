"""After five failures in a row a server is left alone for 30 s; then one call, in total, tries it.

The state is one row, judged by the database's clock, so that all processes of the deployment share
one breaker and one probe. That it is closed is remembered in memory for a second, so that a dead
server costs those beside it nothing; that nothing is counted, for a twentieth of one, so that under
load a well server costs none of its calls a look.
"""

import time
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Case, F, When
from django.db.models.functions import Now

from audit import prepared
from registry.errors import BreakerOpen
from registry.models import Breaker, Server

FAILURES = 5
PAUSE = timedelta(seconds=30)
REMEMBERED_SECONDS = 1.0
WELL_SECONDS = 0.05
# Asked at nearly every call, and so ready-made.
_TROUBLED = (
    "SELECT 1 FROM registry_breaker"
    " WHERE server_id = %s AND (failures > 0 OR closed_until IS NOT NULL)"
)
# Until when nobody calls a server, and until when that is believed unseen, by its id.
_closed: dict[int, tuple[float, float]] = {}
# Until when it is believed that nothing is counted against a server, by its id.
_well: dict[int, float] = {}


def check_remembered(server: Server) -> None:
    """Raise `BreakerOpen` where this process saw it closed a moment ago. Asks nothing."""
    known = _closed.get(server.pk)
    if known is None:
        return
    until, believed = known
    now = time.monotonic()
    if now < believed:
        raise _open(server, until - now)
    _closed.pop(server.pk, None)


def forget() -> None:
    """Believe nothing unseen."""
    _closed.clear()
    _well.clear()


def admit(server: Server, *, probe: timedelta = PAUSE) -> bool:
    """Let a call through, or raise `BreakerOpen` with the seconds until the next try.

    True when failures have been counted, which a success of this call makes forgotten.

    When the pause is over, the first to come is the probe; the others wait until it has succeeded
    or failed, at most for `probe`, after which it is taken for dead.
    """
    if not _is_troubled(server):
        return False
    row = Breaker.objects.filter(server=server).annotate(clock=Now()).first()
    if row is None or row.closed_until is None:
        return row is not None and row.failures > 0
    if row.closed_until > row.clock:
        raise _remembered(server, row.closed_until - row.clock)
    mine = Breaker.objects.filter(server=server, closed_until=row.closed_until)
    if not mine.update(closed_until=Now() + probe):
        raise _remembered(server, PAUSE)
    return True


def _is_troubled(server: Server) -> bool:
    """Whether anything is counted against the server; that nothing is, as of a moment ago."""
    now = time.monotonic()
    if now < _well.get(server.pk, 0):
        return False
    is_troubled = bool(prepared.rows(_TROUBLED, [server.pk]))
    if not is_troubled:
        _well[server.pk] = now + WELL_SECONDS
    return is_troubled


def succeeded(server: Server) -> None:
    """A call was answered: whatever was counted is forgotten."""
    _closed.pop(server.pk, None)
    Breaker.objects.filter(server=server).update(failures=0, closed_until=None)


def untried(server: Server) -> None:
    """A call that was let through never left: where it was the probe, the next one is."""
    _closed.pop(server.pk, None)
    closed = Breaker.objects.filter(server=server, closed_until__isnull=False)
    closed.update(closed_until=Now() - timedelta(microseconds=1))


def failed(server: Server) -> None:
    """A call failed by the server's fault; the fifth in a row, or a probe, closes the way."""
    _well.pop(server.pk, None)
    rows = Breaker.objects.filter(server=server)
    last = When(failures__gte=FAILURES - 1, then=Now() + PAUSE)
    counted = {
        "failures": F("failures") + 1,
        "closed_until": Case(last, default=F("closed_until")),
    }
    if not rows.update(**counted):
        try:
            with transaction.atomic():
                Breaker.objects.create(server=server, failures=1)
        except IntegrityError:
            rows.update(**counted)


def _remembered(server: Server, left: timedelta) -> BreakerOpen:
    """The refusal, which for a moment is given again without looking."""
    seconds, now = left.total_seconds(), time.monotonic()
    _closed[server.pk] = now + seconds, now + min(seconds, REMEMBERED_SECONDS)
    return _open(server, seconds)


def _open(server: Server, seconds: float) -> BreakerOpen:
    return BreakerOpen(
        f"server {server.name} has failed {FAILURES} times in a row and is left alone for a while",
        retry_after=max(0.0, seconds),
    )
