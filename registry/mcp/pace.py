"""What a server says beside its answers is heard at its pace only as long as that costs little.

Reading a flood of notifications or of keep-alives takes a processor, and Python has one for all
calls. So the time that goes into one server's chatter is counted, and who has used up more than a
tenth of a second at once, or a twentieth of all time, is read on later: the bytes wait on the wire.
Answers do not count, but the pieces that they come in do.
"""

import os
import threading
import time

# Seconds of work that are free at once, and of each second.
BURST, SHARE = 0.1, 0.05
# What it costs to read a piece of an answer, or of a stream, before we see it; what it costs to
# hand a notification on to the SDK.
PIECE_SECONDS, HANDED_SECONDS = 30e-6, 200e-6


class Pace:
    """The processor time that goes into one server's chatter, of all its streams together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left, self._at = BURST, time.monotonic()

    def spent(self, seconds: float) -> float:
        """Count this work; the seconds for which nothing more of the server should be read."""
        with self._lock:
            now = time.monotonic()
            self._left = min(BURST, self._left + SHARE * (now - self._at)) - seconds
            self._at = now
            return max(0.0, -self._left / SHARE)


class _Paces:
    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, Pace] = {}

    def of(self, server: str) -> Pace:
        with self._lock:
            return self._of.setdefault(server, Pace())


paces = _Paces()
