"""Working hours: what is within, what is outside, and what cannot be read."""

from datetime import UTC, datetime

import pytest

from gateway.alerts import hours

# 2026-11-23 is a Monday.
OFFICE, NIGHT = "mon-fri 07:00-19:00", "fri 22:00-06:00"


@pytest.mark.parametrize(
    ("text", "zone", "moment", "within"),
    [
        (OFFICE, "UTC", "2026-11-23T07:00", True),
        (OFFICE, "UTC", "2026-11-23T06:59", False),
        (OFFICE, "UTC", "2026-11-23T19:00", False),
        (OFFICE, "UTC", "2026-11-22T12:00", False),
        (OFFICE, "Europe/Berlin", "2026-11-23T06:30", True),
        (OFFICE, "Europe/Berlin", "2026-07-06T05:30", True),
        (OFFICE, "America/New_York", "2026-11-24T00:30", False),
        (NIGHT, "UTC", "2026-11-27T23:00", True),
        (NIGHT, "UTC", "2026-11-28T05:59", True),
        (NIGHT, "UTC", "2026-11-28T06:00", False),
        (NIGHT, "UTC", "2026-11-28T23:00", False),
        ("sat-mon 00:00-12:00", "UTC", "2026-11-23T03:00", True),
        ("sat-mon 00:00-12:00", "UTC", "2026-11-24T03:00", False),
        ("Tue 08:00-09:00", "UTC", "2026-11-24T08:30", True),
    ],
)
def test_a_moment_is_within_or_outside(text, zone, moment, within):
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert hours.read(text, zone).has(at) is within


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("", "UTC", "written like"),
        ("always", "UTC", "written like"),
        ("mon-fry 07:00-19:00", "UTC", "written like"),
        ("mon-fri 7-19", "UTC", "written like"),
        ("mon-fri 07:00-25:00", "UTC", "no such time"),
        (OFFICE, "Mars/Olympus", "no time zone"),
        (OFFICE, "../../etc/passwd", "no time zone"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_says_how(text, zone, said):
    with pytest.raises(ValueError, match=said):
        hours.read(text, zone)
