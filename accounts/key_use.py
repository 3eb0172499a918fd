"""The use of API keys on the record: not each request, but who uses a key, from where and when."""

import threading
import time

from accounts.models import ApiKey
from audit import record
from audit.models import Entry
from audit.record import Who

# As long as requests come, they are on the record once in this time, from each address.
EVERY_SECONDS = 3600.0
# So many keys and addresses are remembered; one that was forgotten is written down again.
REMEMBERED = 10_000

_noted: dict[tuple[str, str], float] = {}
_lock = threading.Lock()


def note(key: ApiKey, who: Who) -> None:
    """Put the use on the record, if this process has not done so within the hour.

    Raises what the record raises, and notes nothing then: the next request tries again.
    """
    place = (key.prefix, who.address)
    now = time.monotonic()
    if _noted.get(place, -EVERY_SECONDS) > now - EVERY_SECONDS:
        return
    with _lock:
        if _noted.get(place, -EVERY_SECONDS) > now - EVERY_SECONDS:
            return
        _write(key, who)
        if len(_noted) >= REMEMBERED:
            _noted.clear()
        _noted[place] = now


def _write(key: ApiKey, who: Who) -> None:
    detail = {"name": key.name, "scopes": key.scopes, "servers": key.servers}
    record.write(Entry.Kind.KEY_USED, Entry.Outcome.OK, who=who, detail=detail)


def forget() -> None:
    """Forget what was noted: for a process that begins anew, and for tests."""
    with _lock:
        _noted.clear()
