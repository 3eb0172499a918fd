"""How an outlet fares: what it has sent, and the pauses of one that fails."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from audit import following
from audit.models import Follower
from audit.redact import redact_text
from gateway.models.outlets import Outlet

PAUSES = (5, 15, 60, 300)
UNUSED = timedelta(days=7)
# Each by the setting that says where it leads.
OUTLETS = {
    "siem": "SIEM_URL",
    "files": "EXPORT_FOLDER",
    "slack_alerts": "SLACK_ALERT_CHANNEL",
}


@dataclass(frozen=True)
class Fares:
    """How an outlet fares: blocks that wait, and how long the oldest of them does."""

    name: str
    behind_blocks: int
    behind_seconds: int
    entries: int
    sent_at: datetime | None
    error: str


def rests(name: str) -> bool:
    """Whether it failed so lately that it is left alone."""
    return Outlet.objects.filter(name=name, rests_until__gt=timezone.now()).exists()


def worked(name: str, entries: int) -> None:
    """Put down that so many entries have arrived."""
    row, _ = Outlet.objects.get_or_create(name=name)
    Outlet.objects.filter(pk=row.pk).update(
        sent_at=timezone.now(),
        entries=F("entries") + entries,
        failures=0,
        error="",
        rests_until=None,
    )


def failed(name: str, error: str) -> None:
    """Put down why it failed; each time in a row it rests longer, five minutes at most."""
    row, _ = Outlet.objects.get_or_create(name=name)
    pause = PAUSES[min(row.failures, len(PAUSES) - 1)]
    Outlet.objects.filter(pk=row.pk).update(
        failures=F("failures") + 1,
        error=" ".join(redact_text(error).split())[:300],
        rests_until=timezone.now() + timedelta(seconds=pause),
    )


def configured() -> list[Fares]:
    """How those fare that the deployment has."""
    return [fares(name) for name, setting in OUTLETS.items() if getattr(settings, setting)]


def forget_unused() -> int:
    """Forget how far those came that the deployment has had no more for a week.

    Retention waits for every reader: one that is gone must not keep all of the record for ever.
    """
    gone = [name for name, setting in OUTLETS.items() if not getattr(settings, setting)]
    unused = Follower.objects.filter(name__in=gone, moved_at__lt=timezone.now() - UNUSED)
    return unused.delete()[0]


def fares(name: str) -> Fares:
    """How it fares now."""
    row = Outlet.objects.filter(name=name).first() or Outlet(name=name)
    behind = following.behind(name)
    oldest = following.waiting_since(name) if behind else None
    seconds = round((timezone.now() - oldest).total_seconds()) if oldest else 0
    return Fares(name, behind, seconds, row.entries, row.sent_at, row.error)
