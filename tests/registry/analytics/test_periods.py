"""Periods as people name them."""

from datetime import UTC, datetime

import pytest

from registry.analytics import periods

# A Wednesday.
NOW = datetime(2026, 5, 6, 15, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "start", "end", "granularity"),
    [
        ("today", "2026-05-06T00", "2026-05-06T16", "hour"),
        ("yesterday", "2026-05-05T00", "2026-05-06T00", "hour"),
        ("this_week", "2026-05-04T00", "2026-05-07T00", "day"),
        ("last_week", "2026-04-27T00", "2026-05-04T00", "day"),
        ("this_month", "2026-05-01T00", "2026-05-07T00", "day"),
        ("last_month", "2026-04-01T00", "2026-05-01T00", "day"),
        ("last_24_hours", "2026-05-05T16", "2026-05-06T16", "hour"),
        ("last_7_days", "2026-04-30T00", "2026-05-07T00", "day"),
        ("last_30_days", "2026-04-07T00", "2026-05-07T00", "day"),
        ("last_90_days", "2026-02-06T00", "2026-05-07T00", "day"),
    ],
)
def test_each_name_is_a_period(name: str, start: str, end: str, granularity: str) -> None:
    when = periods.named(name, now=NOW)
    assert (f"{when.start:%Y-%m-%dT%H}", f"{when.end:%Y-%m-%dT%H}") == (start, end)
    assert when.granularity == granularity


def test_no_name_is_without_a_test() -> None:
    assert [periods.named(name, now=NOW) for name in periods.NAMES]


@pytest.mark.parametrize("hour", [0, 23])
def test_every_name_is_a_period_at_every_hour(hour: int) -> None:
    midnight = NOW.replace(day=1, hour=hour, minute=0)
    for name in periods.NAMES:
        when = periods.named(name, now=midnight)
        assert when.start < when.end


def test_a_period_is_told_in_words() -> None:
    week, day = (periods.named(name, now=NOW) for name in ("last_week", "yesterday"))
    assert periods.told(week) == "2026-04-27 to 2026-05-03 (UTC)"
    assert periods.told(day) == "2026-05-05 00:00 to 2026-05-06 00:00 UTC"
