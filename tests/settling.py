"""Waiting until the work that a test has started is over, wherever it is done."""

import time

import redis

from gateway import work
from tests.settings import REDIS_URL


def settle(seconds: float = 20) -> None:
    """Return once nothing is queued or under way: in threads here, at the Celery worker.

    What was counted in Redis is forgotten then: the next test's people have the same numbers.
    """
    work.drain()
    if not REDIS_URL:
        return
    broker, quiet = redis.Redis.from_url(REDIS_URL), 0
    deadline = time.monotonic() + seconds
    # Twice in a row: between the queue and the worker's hands a message is in neither for a moment.
    while quiet < 2:
        assert time.monotonic() < deadline, "the worker has not come to an end"
        quiet = 0 if broker.llen("celery") or broker.hlen("unacked") else quiet + 1
        time.sleep(0.01)
    for counter in broker.scan_iter("omni2:counter:*"):
        broker.delete(counter)
