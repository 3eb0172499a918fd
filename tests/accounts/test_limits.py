"""Rates, counted for each name on its own."""

from uuid import uuid4

import pytest

from accounts import limits
from accounts.errors import LimitReached, LimitsUnavailable


@pytest.fixture
def name() -> str:
    """A name nobody has counted for yet."""
    return str(uuid4())


def admitted(count, times: int) -> int:
    for done in range(times):
        try:
            count()
        except LimitReached:
            return done
    return times


def test_as_many_as_the_limit_are_let_through_and_not_one_more(name):
    assert admitted(lambda: limits.per_hour(name, 5), times=8) == 5


def test_zero_is_no_limit(name):
    assert admitted(lambda: limits.per_hour(name, 0), times=50) == 50
    assert admitted(lambda: limits.per_minute(name, 0, 0), times=50) == 50


def test_a_minute_and_a_burst_both_hold(name):
    assert admitted(lambda: limits.per_minute(name, 4, 100), times=8) == 4
    assert admitted(lambda: limits.per_minute(f"{name} burst", 100, 3), times=8) == 3


def test_names_do_not_share_a_limit(name):
    limits.per_hour(name, 1)
    assert limits.per_hour(f"{name} other", 1) is None


def test_who_is_stopped_is_told_limit_use_and_when_it_is_over(name):
    limits.per_hour(name, 2)
    limits.per_hour(name, 2)
    with pytest.raises(LimitReached) as caught:
        limits.per_hour(name, 2)
    reached = caught.value
    assert (reached.code, reached.status, reached.limit, reached.used) == (
        "limit_reached",
        429,
        "2 an hour",
        2,
    )
    assert 3590 <= reached.reset_seconds <= 3600
    assert str(reached) == (
        f"The limit of 2 an hour is used up; try again in {reached.reset_seconds} s."
    )


def test_counters_that_do_not_answer_let_nothing_through(name, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(LimitsUnavailable):
        limits.per_hour(name, 5)


@pytest.mark.redis
def test_two_processes_share_what_redis_counts(name, settings):
    limits.per_minute(name, 4, 100)
    limits._limiter.cache_clear()
    rest = admitted(lambda: limits.per_minute(name, 4, 100), times=8)
    assert (settings.REDIS_URL.partition(":")[0], rest) == ("redis", 3)
