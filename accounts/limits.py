"""Rates: how often something may happen, counted by all processes of the deployment together.

In Redis when there is one; else, and while Redis does not answer, in the database. It never opens:
when neither answers, nothing is let through. After Redis has failed, the database's counter goes on
from what it knows, so that at the very worst a limit is used once in each.
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import redis
from django.conf import settings

from accounts.counters import Count, Rate, Store
from accounts.counters.redis import RedisStore
from accounts.counters.sql import SqlStore
from accounts.errors import LimitReached
from accounts.models import User

log = logging.getLogger(__name__)
HOUR, MINUTE, SECOND = 3600.0, 60.0, 1.0
# How long a Redis that failed is left alone.
PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Allowed:
    """A rate in the words of whoever meets it: `kind` for programs, `whose` for people."""

    rate: Rate
    kind: str
    whose: str
    words: str


def per_hour(name: str, rate: int, *, whose: str) -> list[Allowed]:
    """So many requests in any hour; 0 is no limit."""
    return _allowed(Rate(name, rate, HOUR), "requests_per_hour", whose, "requests an hour")


def per_minute(name: str, rate: int, burst: int = 0, *, whose: str) -> list[Allowed]:
    """So many calls in any minute, and of those so many in any second; 0 is no limit of a kind."""
    return [
        *_allowed(Rate(name, rate, MINUTE), "calls_per_minute", whose, "calls a minute"),
        *_allowed(Rate(name, burst, SECOND), "calls_per_second", whose, "calls within a second"),
    ]


def _allowed(rate: Rate, kind: str, whose: str, words: str) -> list[Allowed]:
    return [Allowed(rate, kind, whose, words)] if rate.limit else []


def requests_of(user: User) -> list[Allowed]:
    """How many requests an hour this person has: of several roles the strictest.

    Whoever has no role has the deployment's default. A super admin has no such limit.
    """
    if user.is_superuser:
        return []
    roles = user.roles()
    rates = [(role.requests_per_hour, role.name) for role in roles if role.requests_per_hour]
    name = f"person:{user.pk}"
    if rates:
        rate, role = min(rates)
        return per_hour(name, rate, whose=f"the role {role}")
    default = 0 if roles else settings.DEFAULT_REQUESTS_PER_HOUR
    return per_hour(name, default, whose="people without a role")


def at_once(user: User) -> tuple[int, str]:
    """How many questions of this person may run at once, and whose limit that is; 0 is none."""
    if user.is_superuser:
        return 0, ""
    limits = [(role.concurrent_requests, f"the role {role.name}") for role in user.roles()]
    limits.append((settings.MAX_CONCURRENT_QUESTIONS, "everybody"))
    return min((limit for limit in limits if limit[0]), default=(0, ""))


def hit(allowed: Sequence[Allowed]) -> None:
    """Count one for all of these rates; raises LimitReached, and counts none, if one is full."""
    if not allowed:
        return
    admitted, counts = _count([one.rate for one in allowed], add=True)
    if admitted:
        return
    full = [
        pair for pair in zip(allowed, counts, strict=True) if pair[1].used >= pair[0].rate.limit
    ]
    one, count = max(full, key=lambda pair: pair[1].reset_seconds)
    raise LimitReached(
        one.words,
        kind=one.kind,
        whose=one.whose,
        limit=one.rate.limit,
        used=count.used,
        reset_seconds=max(1, math.ceil(count.reset_seconds)),
    )


def standing(allowed: Sequence[Allowed]) -> list[tuple[Allowed, Count]]:
    """How these rates stand, without counting anything."""
    if not allowed:
        return []
    return list(zip(allowed, _count([one.rate for one in allowed], add=False)[1], strict=True))


def _count(rates: Sequence[Rate], *, add: bool) -> tuple[bool, list[Count]]:
    url = settings.REDIS_URL
    if url and not _Pause.now(url):
        try:
            return _redis(url).count(rates, add=add)
        except redis.RedisError:
            log.warning("Redis does not answer; limits are counted in the database", exc_info=True)
            _Pause.begin(url)
    return SqlStore().count(rates, add=add)


@lru_cache(maxsize=4)
def _redis(url: str) -> Store:
    return RedisStore(url)


class _Pause:
    """Which Redis is left alone, and until when: not every request waits for one that is dead."""

    _until: tuple[str, float] = ("", 0.0)

    @classmethod
    def begin(cls, url: str) -> None:
        cls._until = (url, time.monotonic() + PAUSE_SECONDS)

    @classmethod
    def now(cls, url: str) -> bool:
        return cls._until[0] == url and time.monotonic() < cls._until[1]
