"""Held against a rule: the smallest cases of what is enough, and of what a rule cannot say."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.errors import BadFilter
from gateway.alerts import matching
from gateway.models import AlertRule

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "count", "enough"),
    [
        ([0, 10, 20], 3, True),
        ([0, 10, 61], 3, False),
        ([0, 60], 2, True),
        ([0, 61], 2, False),
        ([0, 100, 130, 150], 3, True),
        ([0], 2, False),
        ([], 1, False),
    ],
)
def test_as_many_within_the_window_wherever_it_lies(seconds, count, enough):
    times = [NOON + timedelta(seconds=one) for one in seconds]
    assert matching._crowded(times, count, timedelta(seconds=60)) is enough


@pytest.mark.parametrize("name", ["kind", "from", "to", "text", "_connector", "person__password"])
def test_a_rule_takes_no_filter_that_is_not_its_own(name):
    with pytest.raises(BadFilter):
        matching.Match(AlertRule(filters={name: "1h"}))
