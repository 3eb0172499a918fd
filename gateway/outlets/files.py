"""The record into a folder by itself: one stretch of it for each period, resumed where it stopped.

A stretch is the blocks that were not written yet and were sealed before their period ended. The
cursor moves when the stretch has its files; whoever dies before that has the same blocks written
under the same names again, so nothing is missing and nothing stands there twice. What is there
whole is left as it is.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from audit import archive, following, record
from audit.models import Block, Entry, Follower
from gateway.outlets import resting

NAME = "files"
# So long one stretch may take; it is lent anew for each.
LEASE = timedelta(hours=1)
# A block of the end of a period may be committed a moment after it.
GRACE = timedelta(seconds=30)


class LeaseOver(Exception):
    """Another process writes the files by now."""


def write_files() -> int:
    """Write the stretches of the periods that are over, and say how many."""
    if not settings.EXPORT_FOLDER or resting.rests(NAME):
        return 0
    with following.holding(NAME, lease=LEASE) as ours:
        if ours is None:
            return 0
        try:
            return _write_all(ours, Path(settings.EXPORT_FOLDER))
        except (LeaseOver, OSError) as failure:
            resting.failed(NAME, str(failure) or type(failure).__name__)
            return 0


def _write_all(ours: "QuerySet[Follower]", folder: Path) -> int:
    if not folder.is_dir():
        # Never made here: where a mount is missing, a folder of that name would hide it.
        raise NotADirectoryError(f"{folder} is no folder")
    archive.forget_halves(folder)
    count = 0
    while stretch := _next(ours.get().block):
        _write(ours, folder, stretch)
        count += 1
    return count


def _next(after: int) -> tuple[int, int] | None:
    """The first and last block of the next stretch whose period is over."""
    unread = Block.objects.filter(number__gt=after).order_by("number")
    first = unread.values_list("number", "sealed_at").first()
    if first is None:
        return None
    end = end_of_period(first[1])
    if timezone.now() < end + GRACE:
        return None
    later = unread.filter(sealed_at__gte=end).values_list("number", flat=True).first()
    last = later - 1 if later else following.last_block()
    # Where clocks differ, the first of them may itself be said to be later.
    return first[0], max(first[0], last)


def end_of_period(moment: datetime) -> datetime:
    """When the period of this moment ends; periods are counted from midnight (UTC) of 1970."""
    period = timedelta(hours=settings.EXPORT_HOURS)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + ((moment - epoch) // period + 1) * period


def _write(ours: "QuerySet[Follower]", folder: Path, stretch: tuple[int, int]) -> None:
    now = timezone.now()
    if not ours.update(leased_until=now + LEASE):
        raise LeaseOver("another process has taken over")
    written = archive.found(folder, *stretch) or archive.write(folder, *stretch)
    if not ours.update(block=written.last, moved_at=timezone.now()):
        raise LeaseOver("another process has taken over")
    resting.worked(NAME, written.entries)
    record.write(
        Entry.Kind.RECORD_EXPORTED,
        Entry.Outcome.OK,
        detail={
            "file": f"{written.name}.json",
            "blocks": [written.first, written.last],
            "entries": written.entries,
        },
    )
