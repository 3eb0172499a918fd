"""Durations counted in buckets, so that percentiles can be told of any period and added up.

Each bucket is a tenth wider than the one before. A percentile is told as the middle of its bucket:
at most `ERROR` (4.9 %) away from the duration that was measured.
"""

from collections.abc import Mapping
from math import ceil, log

GROWTH = 1.1
ERROR = GROWTH**0.5 - 1

Buckets = Mapping[str, int]


def bucket(milliseconds: int) -> str:
    """The bucket of a duration: "0" for none at all, "1" for a millisecond, and so on."""
    # A key of JSON is text.
    return str(1 + ceil(log(milliseconds, GROWTH))) if milliseconds >= 1 else "0"


def middle(name: str) -> float:
    """What durations of this bucket are told as, in milliseconds."""
    number = int(name)
    return GROWTH ** (number - 1.5) if number > 1 else float(number)


def add(total: dict[str, int], buckets: Buckets) -> None:
    """Add these to the total, in place."""
    for name, number in buckets.items():
        total[name] = total.get(name, 0) + number


def percentile(buckets: Buckets, share: float) -> float | None:
    """The duration that this share of all was not longer than; None where nothing was measured."""
    rank = max(1, ceil(share * sum(buckets.values())))
    for name in sorted(buckets, key=int):
        rank -= buckets[name]
        if rank <= 0:
            return middle(name)
    return None
