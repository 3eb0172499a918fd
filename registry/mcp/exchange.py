"""What the transport and the waiting caller know in common about one request.

The SDK stands between the two and knows only JSON-RPC. The exchange travels past it in a context
variable, so that an HTTP status or a broken pipe reaches its own caller and nobody else.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import anyio

from registry.mcp.behalf import ALONE, HEARD_LIMIT, LOG_MESSAGE, Behalf
from registry.mcp.errors import Executed, TimedOut, UpstreamError
from registry.mcp.parsing import PROGRESS

CHANGES = frozenset(
    f"notifications/{listed}/list_changed" for listed in ("tools", "prompts", "resources")
)

# After its caller has gone, a request's stream may live this long (for the server's last word).
ABANDONED_SECONDS = 0.5


@dataclass(eq=False)
class Exchange:
    """One request under way. `deadline` is in the event loop's time.

    Where the SDK does not need to read the result, `result` takes it: the caller gets what was
    parsed strictly, and nothing is written and parsed a second time.
    """

    deadline: float
    # Wakes the caller where the SDK would leave it waiting.
    wake: Callable[[], None]
    failure: UpstreamError | None = None
    status: int | None = None
    sent: bool = False
    keeps_result: bool = True
    behalf: Behalf = ALONE
    # Told when the server says that one of its lists is another now.
    changed: Callable[[], None] | None = None
    result: dict[str, Any] | None = None
    _clock: anyio.CancelScope | None = field(default=None, repr=False)
    _heard: int = 0

    @property
    def executed(self) -> Executed:
        return "unknown" if self.sent else "no"

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Run the block within what is left of the time. Raises TimedOut."""
        with anyio.CancelScope(deadline=self.deadline) as self._clock:
            yield
        if self._clock.cancelled_caught:
            raise self.timed_out()

    def timed_out(self) -> TimedOut:
        return TimedOut("The server did not answer in time.", executed=self.executed)

    def fail(self, error: UpstreamError) -> None:
        """Let the caller end with this error, now."""
        if self.failure is None:
            self.failure = error.lightened()
            self.wake()

    def take(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer for the SDK, without the result that the caller gets from here."""
        result = answer.get("result")
        if not (self.keeps_result and isinstance(result, dict)):
            return answer
        self.result = result
        return {**answer, "result": {}}

    def hear(self, notification: Mapping[str, Any]) -> None:
        """What the server says where this request is answered: to whoever waits behind us, or
        of its lists to whoever keeps them."""
        if notification.get("method") == LOG_MESSAGE:
            self._tell(LOG_MESSAGE, notification.get("params") or {})
        elif notification.get("method") in CHANGES and self.changed is not None:
            self.changed()

    async def progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """How far the server says it is."""
        said = {"progress": progress, "total": total, "message": message}
        self._tell(PROGRESS, {key: value for key, value in said.items() if value is not None})

    def _tell(self, method: str, params: Mapping[str, Any]) -> None:
        self._heard += 1
        if self.behalf.hear is not None and self._heard <= HEARD_LIMIT:
            self.behalf.hear(method, params)

    def end(self) -> None:
        """The caller has gone: whatever still runs for it ends soon."""
        self.deadline = min(self.deadline, anyio.current_time() + ABANDONED_SECONDS)
        if self._clock is not None:
            self._clock.deadline = self.deadline


EXCHANGE: ContextVar[Exchange] = ContextVar("registry_mcp_exchange")
