"""Moments as the admin's pages write them."""

from datetime import UTC, datetime

from django.contrib.admin.utils import display_for_value

NOON = datetime(2026, 11, 28, 12, 0, 5, tzinfo=UTC)


def test_a_moment_is_written_to_the_second_and_says_its_zone():
    assert display_for_value(NOON, "-") == "2026-11-28 12:00:05 UTC"
    assert display_for_value(NOON.date(), "-") == "2026-11-28"
