"""The live steps of a question, as every door shows them while it runs.

Steps are a courtesy: the database holds the truth, and a reader that finds no steps asks there.
They
live in this process's memory, or in Redis where there is one, for ten minutes after the last step.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import redis
from django.conf import settings

KEPT_SECONDS = 600
KEPT_EVENTS = 5_000


@dataclass(frozen=True)
class Event:
    """One step: `id` orders the steps of a question, `kind` and `data` say what happened."""

    id: str
    kind: str
    data: Mapping[str, Any]


class Steps(Protocol):
    """Where steps are kept between the worker that makes them and the doors that show them."""

    def publish(self, question: str, kind: str, data: Mapping[str, Any]) -> None: ...

    def read(self, question: str, after: str = "") -> list[Event]:
        """The steps after the one with the id `after`, at once and without waiting."""
        ...


@dataclass
class _Log:
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))
    events: list[Event] = field(default_factory=list)
    touched: float = field(default_factory=time.monotonic)


class InMemory:
    """Steps of the questions that this process works on."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}
        self._lock = threading.Lock()

    def publish(self, question: str, kind: str, data: Mapping[str, Any]) -> None:
        with self._lock:
            if question not in self._logs:
                self._forget_old()
            log = self._logs.setdefault(question, _Log())
            log.touched = time.monotonic()
            if len(log.events) < KEPT_EVENTS or kind == "done":
                log.events.append(Event(str(next(log.numbers)), kind, data))

    def read(self, question: str, after: str = "") -> list[Event]:
        log = self._logs.get(question)
        if log is None:
            return []
        position = int(after) if after.isdecimal() and len(after) < 10 else 0
        return log.events[position:]

    def _forget_old(self) -> None:
        limit = time.monotonic() - KEPT_SECONDS
        for question in [name for name, log in self._logs.items() if log.touched < limit]:
            del self._logs[question]


class InRedis:
    """Steps on a Redis stream for each question, for workers and doors in different processes."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=2, socket_connect_timeout=1, decode_responses=True
        )

    def publish(self, question: str, kind: str, data: Mapping[str, Any]) -> None:
        name = self._name(question)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xadd(name, {"kind": kind, "data": json.dumps(data)}, maxlen=KEPT_EVENTS)
        pipeline.expire(name, KEPT_SECONDS)
        pipeline.execute()

    def read(self, question: str, after: str = "") -> list[Event]:
        start = f"({after}" if after else "-"
        # The client's types allow for bytes and for nothing; `decode_responses` rules both out.
        found: Any = self._redis.xrange(self._name(question), min=start)
        return [Event(id, row["kind"], json.loads(row["data"])) for id, row in found]

    def _name(self, question: str) -> str:
        return f"omni2:steps:{question}"


_steps: dict[str, Steps] = {}


def steps() -> Steps:
    """This deployment's keeper of steps."""
    url = settings.REDIS_URL
    if url not in _steps:
        _steps[url] = InRedis(url) if url else InMemory()
    return _steps[url]


def publish(question: UUID, kind: str, /, **data: Any) -> None:
    """Show one step. A Redis that does not answer costs the steps, never the question."""
    try:
        steps().publish(str(question), kind, data)
    except redis.RedisError:
        return


def read(question: UUID, after: str = "") -> list[Event]:
    """The steps after `after`; none while Redis does not answer or refuses the id."""
    try:
        return steps().read(str(question), after)
    except redis.RedisError:
        return []


class Deltas:
    """Gathers a model's text into steps of a readable size."""

    def __init__(
        self, show: Callable[[str], None], *, characters: int = 80, seconds: float = 0.1
    ) -> None:
        self._show = show
        self._characters = characters
        self._seconds = seconds
        self._waiting: list[str] = []
        self._since = time.monotonic()

    def __call__(self, text: str) -> None:
        self._waiting.append(text)
        late = time.monotonic() - self._since > self._seconds
        if late or sum(map(len, self._waiting)) >= self._characters:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._show("".join(self._waiting))
        self._waiting = []
        self._since = time.monotonic()

    def drop(self) -> None:
        """Forget what was not shown yet: the turn starts over."""
        self._waiting = []
