"""Counting what happens within a moving window, exactly, however many ask at once.

A window is divided into slots, and a counter keeps how often something happened in each. What
happened in the last `seconds` counts, and at most one slot longer: so in no `seconds` whatever is
more let through than the limit, and what is said of use and reset is true to a slot. The SQL
and the Redis counter keep the same slots and reckon with the functions below, by their own clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

SLOTS = 60


@dataclass(frozen=True)
class Rate:
    """At most `limit` of `name` in any `seconds`."""

    name: str
    limit: int
    seconds: float

    @property
    def key(self) -> str:
        """The counter's name: windows of different length are counted apart."""
        return f"{self.name}/{self.seconds:g}"

    @property
    def slot_seconds(self) -> float:
        return self.seconds / SLOTS


@dataclass(frozen=True)
class Count:
    """How many count now, and in how many seconds fewer will (one more fits, if it was full)."""

    used: int
    reset_seconds: float


class Store(Protocol):
    """Where counters are kept."""

    def count(self, rates: Sequence[Rate], *, add: bool) -> tuple[bool, list[Count]]:
        """Whether each rate has room for one more, and how each stands.

        With `add` one is counted for all of them, if all have room; else for none.
        """


def live(slots: Mapping[int, int], rate: Rate, now: float) -> dict[int, int]:
    """The slots that still count."""
    oldest = slot_of(rate, now) - SLOTS
    return {slot: times for slot, times in slots.items() if slot >= oldest}


def slot_of(rate: Rate, now: float) -> int:
    return int(now // rate.slot_seconds)


def reckon(slots: Mapping[int, int], rate: Rate, now: float) -> Count:
    """How the counter stands whose live slots these are."""
    used = sum(slots.values())
    leaving = max(1, used - rate.limit + 1)
    for slot in sorted(slots):
        leaving -= slots[slot]
        if leaving <= 0:
            return Count(used, (slot + SLOTS + 1) * rate.slot_seconds - now)
    return Count(used, 0.0)
