"""Figures as people read them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gateway.record import spelled


@pytest.mark.parametrize(
    ("said", "spelling"),
    [
        (spelled.count(1234567), "1,234,567"),
        (spelled.short(0), "0"),
        (spelled.short(2.5), "2.5"),
        (spelled.short(1234), "1.23k"),
        (spelled.short(34_000_000), "34M"),
        (spelled.short(5_600_000_000), "5.6G"),
        (spelled.dollars(Decimal("1234.5")), "$1,234.50"),
        (spelled.dollars(Decimal("0.00042")), "$0.00042"),
        (spelled.dollars(Decimal(0)), "$0.00"),
        (spelled.duration(None), "–"),
        (spelled.duration(0), "0 ms"),
        (spelled.duration(999.4), "999 ms"),
        (spelled.duration(999.6), "1.0 s"),
        (spelled.duration(119_900), "119.9 s"),
        (spelled.duration(150_000), "2.5 min"),
        (spelled.share(1, 0), "–"),
        (spelled.share(0, 7), "0 %"),
        (spelled.share(1, 40), "2.5 %"),
        (spelled.share(7, 8), "88 %"),
        (spelled.moment(datetime(2026, 5, 4, 9, tzinfo=UTC), "hour"), "Mon 4 May 09:00"),
        (spelled.moment(datetime(2026, 5, 4, tzinfo=UTC), "day"), "Mon 4 May"),
    ],
)
def test_figures_are_spelled_for_people(said: str, spelling: str) -> None:
    assert said == spelling
