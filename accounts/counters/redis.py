"""Counters in Redis: one script that no other command gets in between, by Redis' clock."""

from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.counters import SLOTS, Count, Rate, reckon

# Takes whether to add, and the limit and the seconds of each key. Numbers come back as texts, for
# Redis cuts them to whole ones.
_SCRIPT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local admitted = 1
for i, key in ipairs(KEYS) do
  local oldest = math.floor(now / (tonumber(ARGV[2 * i + 1]) / SLOTS)) - SLOTS
  local slots, used = redis.call('HGETALL', key), 0
  for j = 1, #slots, 2 do
    if tonumber(slots[j]) < oldest then redis.call('HDEL', key, slots[j])
    else used = used + tonumber(slots[j + 1]) end
  end
  if used >= tonumber(ARGV[2 * i]) then admitted = 0 end
end
local counters = {}
for i, key in ipairs(KEYS) do
  local seconds = tonumber(ARGV[2 * i + 1])
  if ARGV[1] == '1' and admitted == 1 then
    local slot = string.format('%.0f', math.floor(now / (seconds / SLOTS)))
    redis.call('HINCRBY', key, slot, 1)
    redis.call('PEXPIRE', key, math.ceil(seconds * 1000 * (SLOTS + 2) / SLOTS))
  end
  counters[i] = redis.call('HGETALL', key)
end
return {admitted, string.format('%.6f', now), counters}
""".replace("SLOTS", str(SLOTS))
PATIENCE_SECONDS = 1


class RedisStore:
    """Shared by everybody who uses this Redis. Raises redis.RedisError when it does not answer."""

    def __init__(self, url: str) -> None:
        # A request must not wait long for a counter: two tries, a second each.
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),
            decode_responses=True,
        )
        self._script = self._redis.register_script(_SCRIPT)

    def count(self, rates: Sequence[Rate], *, add: bool) -> tuple[bool, list[Count]]:
        """As `Store.count` says."""
        arguments: list[Any] = ["1" if add else "0"]
        for rate in rates:
            arguments += [rate.limit, rate.seconds]
        keys = [f"omni2:counter:{rate.key}" for rate in rates]
        admitted, now, counters = self._script(keys=keys, args=arguments)
        pairs = zip(counters, rates, strict=True)
        return bool(admitted), [reckon(_slots(flat), rate, float(now)) for flat, rate in pairs]


def _slots(flat: list[str]) -> dict[int, int]:
    return {int(slot): int(times) for slot, times in zip(flat[::2], flat[1::2], strict=True)}
