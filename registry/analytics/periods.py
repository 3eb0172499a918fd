"""Periods as people name them, in whole UTC days and hours."""

from datetime import UTC, datetime, timedelta

from audit import stats
from audit.stats import Period

_DAY = timedelta(days=1)
USUAL = "last_7_days"
NAMES = (
    "today",
    "yesterday",
    "this_week",
    "last_week",
    "this_month",
    "last_month",
    "last_24_hours",
    USUAL,
    "last_30_days",
    "last_90_days",
)


def named(name: str, *, now: datetime) -> Period:
    """The period of this name; weeks begin on Monday. Of "last 7 days" today is the last one."""
    since, until = _ends(name, now)
    hours = name in ("today", "yesterday", "last_24_hours")
    return stats.period(since, until, "hour" if hours else "day")


def _ends(name: str, now: datetime) -> tuple[datetime, datetime]:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    week, month = today - today.weekday() * _DAY, today.replace(day=1)
    soon = now + timedelta(microseconds=1)
    known = {
        "today": (today, soon),
        "yesterday": (today - _DAY, today),
        "this_week": (week, soon),
        "last_week": (week - 7 * _DAY, week),
        "this_month": (month, soon),
        "last_month": ((month - _DAY).replace(day=1), month),
        "last_24_hours": (now - timedelta(hours=23), soon),
    }
    if name in known:
        return known[name]
    return today - (int(name.split("_")[1]) - 1) * _DAY, soon


def told(when: Period) -> str:
    """The period in words."""
    last = when.end - timedelta(seconds=1)
    if when.granularity == "hour":
        return f"{when.start:%Y-%m-%d %H:%M} to {when.end:%Y-%m-%d %H:%M} UTC"
    return f"{when.start:%Y-%m-%d} to {last:%Y-%m-%d} (UTC)"
