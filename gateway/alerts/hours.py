"""Working hours as text, such as `mon-fri 07:00-19:00`, and whether a moment lies within them."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\w{3})(?:-(\w{3}))? ([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})")


@dataclass(frozen=True)
class Hours:
    """The days, and from when until before when; where it ends before it begins, past midnight."""

    days: frozenset[int]
    begin: time
    end: time
    zone: ZoneInfo

    def has(self, moment: datetime) -> bool:
        """Whether this moment is working time; a night belongs to the day it began on."""
        here = moment.astimezone(self.zone)
        now, day = here.time(), here.weekday()
        if self.begin <= self.end:
            return day in self.days and self.begin <= now < self.end
        return (day in self.days and now >= self.begin) or (
            (day - 1) % 7 in self.days and now < self.end
        )


def read(text: str, zone: str) -> Hours:
    """The hours that a text says. Raises ValueError with what it should be."""
    found = _HOURS.fullmatch(text.strip().lower())
    days = _days(found[1], found[2] or found[1]) if found else None
    if found is None or days is None:
        raise ValueError("Working hours are written like mon-fri 07:00-19:00.")
    try:
        begin, end = time.fromisoformat(found[3]), time.fromisoformat(found[4])
    except ValueError:
        raise ValueError("There is no such time of day.") from None
    try:
        return Hours(days, begin, end, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"There is no time zone {zone!r}; there are such as Europe/Berlin."
        ) from None


def _days(first: str, last: str) -> frozenset[int] | None:
    if first not in DAYS or last not in DAYS:
        return None
    begin, end = DAYS.index(first), DAYS.index(last)
    return frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))
