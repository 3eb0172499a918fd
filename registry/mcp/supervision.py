"""How many commands run at a time, how soon one that died is started again, and what it said last.

Lives in the event loop's thread; whoever asks from another thread gets copies.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from registry.mcp.errors import Unreachable

# A child that ran this long was well; one that died sooner is started ever more rarely.
STEADY_SECONDS = 10.0
QUICK_ENDS = 3
LONGEST_PAUSE = 60.0
STDERR_LINES = 50


@dataclass
class Life:
    """What is remembered of one server's children, beyond the end of each."""

    said: deque[bytes] = field(default_factory=lambda: deque(maxlen=STDERR_LINES))
    started_at: float = 0
    quick_ends: int = 0
    not_before: float = 0


class Supervisor:
    """Decides when a child may be started; its callers start and end them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lives: dict[str, Life] = {}

    def admit(self, name: str, *, running: int, most: int) -> Life:
        """Let a child of this server be started. Raises `Unreachable` when it is too early, or when
        as many run as the deployment allows."""
        life = self._lives.setdefault(name, Life())
        now = self._clock()
        if now < life.not_before:
            raise Unreachable(
                f"The server's command ended {life.quick_ends} times soon after its start; it is "
                f"started again in {life.not_before - now:.0f} s.",
                executed="no",
            )
        if running >= most:
            raise Unreachable(f"All {most} commands that may run at a time run.", executed="no")
        life.started_at = now
        return life

    def ended(self, life: Life) -> None:
        """A child ended by itself: from the third quick end in a row on there is a pause, twice as
        long each time."""
        now = self._clock()
        if now - life.started_at >= STEADY_SECONDS:
            life.quick_ends = 0
            return
        life.quick_ends += 1
        if life.quick_ends >= QUICK_ENDS:
            pause = min(LONGEST_PAUSE, 2.0 ** (life.quick_ends - QUICK_ENDS))
            life.not_before = now + pause

    def said(self, name: str) -> list[str]:
        """The last lines that the server's children wrote to stderr, not yet redacted."""
        life = self._lives.get(name)
        lines = list(life.said) if life else []
        return [line.decode(errors="replace") for line in lines]

    def forget(self) -> None:
        """Forget all of them: in a forked process they are the parent's."""
        self._lives.clear()
