"""How long and how often to try again when a model's server says "not now"."""

import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class Patience:
    """Bounds of our retries, in seconds; `poll` is how soon a cancelled question is noticed."""

    attempts: int = 3
    first_wait: float = 0.5
    longest_wait: float = 8.0
    total_wait: float = 30.0
    poll: float = 0.1

    def wait_before(self, attempt: int, *, asked: float | None, waited: float) -> float | None:
        """Seconds to wait before attempt `attempt` (the first is 1); None to give up.

        `asked` is what the server asked for: to come back sooner would be refused again, so when it
        is more than may still be waited, we give up at once.
        """
        if attempt > self.attempts:
            return None
        doubled = min(self.longest_wait, self.first_wait * 2 ** (attempt - 2))
        jittered = doubled * random.uniform(0.5, 1.0)
        wait = jittered if asked is None else max(asked, jittered / 2)
        return wait if waited + wait <= self.total_wait else None


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds of `retry-after-ms` or `retry-after` (RFC 9110 §10.2.3), when they make sense."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        return seconds if math.isfinite(seconds) and seconds >= 0 else None
    return _until(headers.get("retry-after", ""))


def _until(moment: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(moment).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
