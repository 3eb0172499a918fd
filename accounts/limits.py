"""Rates: how often one person may ask in an hour, how often one server may be called in a minute.

Counted over a moving window, in Redis when there is one (all processes together), else in this
process. When the counters do not answer, nothing is let through.
"""

import math
import time
from functools import lru_cache
from typing import Any

from django.conf import settings
from limits import (
    RateLimitItem,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
    RateLimitItemPerSecond,
)
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.errors import LimitReached, LimitsUnavailable

MEMORY = "memory://"


def per_hour(name: str, rate: int) -> None:
    """Count one of `rate` an hour (0: no limit); raises LimitReached when they are used up."""
    if rate:
        _count(RateLimitItemPerHour(rate), name, f"{rate} an hour")


def per_minute(name: str, rate: int, burst: int = 0) -> None:
    """Count one of `rate` a minute, and of `burst` within one second; 0 is no limit of that kind.

    Raises LimitReached when either is used up. What the minute refuses still counted in its second.
    """
    if burst:
        _count(RateLimitItemPerSecond(burst), name, f"{burst} within a second")
    if rate:
        _count(RateLimitItemPerMinute(rate), name, f"{rate} a minute")


def _count(item: RateLimitItem, name: str, limit: str) -> None:
    try:
        limiter = _limiter(settings.REDIS_URL or MEMORY)
        if limiter.hit(item, name):
            return
        window = limiter.get_window_stats(item, name)
    except StorageError as error:
        raise LimitsUnavailable("The counters of limits do not answer; try again.") from error
    wait = max(1, math.ceil(window.reset_time - time.time()))
    raise LimitReached(limit, used=item.amount - window.remaining, reset_seconds=wait)


@lru_cache(maxsize=4)
def _limiter(address: str) -> MovingWindowRateLimiter:
    # A request must not wait long for a counter: two tries, a second each.
    patience: Any = {"retry": Retry(NoBackoff(), 1), "socket_timeout": 1}
    options = {} if address == MEMORY else patience
    return MovingWindowRateLimiter(storage_from_string(address, wrap_exceptions=True, **options))
