"""Servers say that a list of theirs is another now: it is read anew soon, and not too often.

    a server says so, in any process → it is due, on its row (after a moment: a burst is one change)
    whoever claims it first, of all processes → one sync of that server

A list that is good for a time only (`ttlMs`) makes its server due then. What is due and was claimed
by nobody, or came too often, is taken up by the job of `omni2.schedule`.
"""

import logging
import queue
import threading
import time
from collections.abc import Collection
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from registry import discovery
from registry.mcp.client import connections
from registry.models import Server

log = logging.getLogger(__name__)

# So long a process waits for more of the same.
DEBOUNCE_SECONDS = 0.2
# A server that says it more often than this is read again after the pause.
MOST_A_MINUTE = 6
PAUSE = timedelta(seconds=30)


class Hearing:
    """What this process does when a server says so, from `start` to `stop`, on one thread."""

    def __init__(self) -> None:
        self._names: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._waiting: set[str] = set()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen to the connections of this process."""
        self._thread = threading.Thread(target=self._work, name="omni2-hearing", daemon=True)
        self._thread.start()
        connections.on_change = self.hear

    def stop(self) -> None:
        """Hear no more, and wait a moment for what is under way."""
        connections.on_change = None
        self._names.put(None)
        if self._thread is not None:
            self._thread.join(timeout=2)

    def hear(self, name: str) -> None:
        """Note that this server has said so. Never waits, and keeps each name once."""
        if name not in self._waiting:
            self._waiting.add(name)
            self._names.put(name)

    def _work(self) -> None:
        while (name := self._names.get()) is not None:
            time.sleep(DEBOUNCE_SECONDS)
            self._waiting.discard(name)
            try:
                make_due([name])
                sync_due()
            except Exception:
                log.exception("a change that a server told could not be looked at")
            finally:
                connection.close()


def make_due(names: Collection[str]) -> None:
    """These servers are to be read anew now, unless they are due within the pause anyhow."""
    now = timezone.now()
    later = Q(sync_due_at=None) | Q(sync_due_at__gt=now + PAUSE)
    Server.objects.enabled().filter(later, name__in=names).update(sync_due_at=now)


def sync_due() -> None:
    """Read the servers anew that are due, each in one process; what comes too often has to wait."""
    now = timezone.now()
    due = Server.objects.enabled().filter(sync_due_at__lte=now)
    mine = [server for server in due if _claimed(server, now)]
    discovery.sync_all(mine)


def _claimed(server: Server, now: datetime) -> bool:
    """Whether it is for this process to read the server, now."""
    is_too_often = _times(server) > MOST_A_MINUTE
    claim = Server.objects.filter(pk=server.pk, sync_due_at=server.sync_due_at)
    return bool(claim.update(sync_due_at=now + PAUSE if is_too_often else None)) and (
        not is_too_often
    )


def _times(server: Server) -> int:
    """How often it was due in this minute, this time included."""
    place = f"registry-due:{server.pk}:{int(time.time() // 60)}"
    cache.add(place, 0, 120)
    try:
        return int(cache.incr(place))
    except ValueError:
        return 1
