"""Whole hours, days and weeks (UTC; a week begins on Monday): what the sums are kept by."""

from datetime import UTC, datetime, timedelta

from audit.models import Rollup

Granularity = Rollup.Granularity

STEPS = {
    Granularity.HOUR: timedelta(hours=1),
    Granularity.DAY: timedelta(days=1),
    Granularity.WEEK: timedelta(weeks=1),
}
# Where an hour, a day and a week begin at once: a Monday.
_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)


def floor(at: datetime, granularity: Granularity) -> datetime:
    """When the hour, day or week began in which this moment lies."""
    step = STEPS[granularity]
    return _EPOCH + (at - _EPOCH) // step * step


def ceiling(at: datetime, granularity: Granularity) -> datetime:
    """When that hour, day or week ends; the moment itself where it begins one."""
    step = STEPS[granularity]
    return _EPOCH - (_EPOCH - at) // step * step
