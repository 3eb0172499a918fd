"""What happens by itself, and how often: one table for Celery beat and the embedded threads."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import close_old_connections, connection

from accounts import sessions
from audit import anchoring, pruning, retention, rollup, seal, search
from audit.record import Who
from gateway import access_requests, deciding, own_accounts, work
from gateway.alerts import delivering, incidents, spending, watching
from gateway.outlets import files, resting, siem
from gateway.tasks import run_question
from registry import discovery, health, hearing, own
from registry.models import Server
from slackapp import alerts as slack_alerts
from slackapp import anchors as slack_anchors
from slackapp import sweep as slack

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """`verb` is called every `seconds`, by one process of the deployment at a time."""

    name: str
    seconds: float
    verb: Callable[[], object]


def sweep_questions() -> None:
    """End what is too late, restart what nobody works on."""
    work.sweep(run_question)


def expire_approvals() -> None:
    """End the approvals nobody decided on in time; what waits for them goes on."""
    deciding.expire(run_question)


def check_servers() -> None:
    """Look at every enabled server."""
    health.check_all(list(Server.objects.enabled()))


def sync_tools() -> None:
    """Read every enabled server's tools anew."""
    discovery.sync_all(list(Server.objects.enabled()))


def prune_record() -> None:
    """Take away the entries whose time is over."""
    kept = retention.days(settings.RETENTION)
    pruning.prune(kept, who=Who(door="schedule"))


def jobs() -> list[Job]:
    """All jobs of this deployment."""
    table = [
        Job("sweep_questions", 5, sweep_questions),
        Job("expire_approvals", 5, expire_approvals),
        Job("seal_record", 1, seal.seal_once),
        Job("roll_up", 5, rollup.roll_up),
        Job("keep_own_server", 300, own.keep),
        Job("index_record", 1, search.index_new),
        Job("check_servers", settings.MCP_HEALTH_SECONDS, check_servers),
        Job("sync_tools", settings.MCP_SYNC_MINUTES * 60, sync_tools),
        Job("sync_due", 5, hearing.sync_due),
        Job("sweep_access", 10, access_requests.sweep),
        Job("sweep_accounts", 15, own_accounts.sweep),
        Job("clear_sessions", 3600, sessions.clear),
        Job("watch_record", 2, watching.watch),
        Job("check_spending", 300, spending.check),
        Job("end_incidents", 60, incidents.end_quiet),
        Job("deliver_alerts", 2, delivering.deliver),
        Job("forget_notices", 3600, delivering.forget),
        Job("forward_record", 2, siem.forward),
        Job("write_files", 60, files.write_files),
        Job("forget_outlets", 3600, resting.forget_unused),
        Job("sweep_slack", 5, slack.sweep),
        Job("post_alerts", 5, slack_alerts.post_new),
        Job("post_head", 60, slack_anchors.post_head),
        Job("anchor_record", settings.ANCHOR_SECONDS, anchoring.anchor),
        Job("prune_record", 3600 if settings.RETENTION else 0, prune_record),
    ]
    # What is done every 0 seconds is not done.
    return [job for job in table if job.seconds]


class Scheduler:
    """Runs the jobs in threads of this process, one each: a slow one delays no other."""

    def __init__(self, table: list[Job]) -> None:
        self._table = table
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for job in self._table:
            thread = threading.Thread(
                target=self._repeat, args=[job], name=f"omni2-{job.name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Begin nothing more, and wait a moment for what is under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2)

    def _repeat(self, job: Job) -> None:
        due = time.monotonic() + job.seconds
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = time.monotonic() + job.seconds
            close_old_connections()
            try:
                job.verb()
            except Exception:
                log.exception("a scheduled job failed", extra={"job": job.name})
            finally:
                connection.close()
