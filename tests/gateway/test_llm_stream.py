"""Reading in another thread; with real streams over HTTP see `test_llm_anthropic`."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.llm import stream
from gateway.llm.base import ModelCancelled, ModelTimedOut


@dataclass
class Response:
    is_closed: bool = False
    extensions: dict[str, Any] = field(default_factory=dict)


class Listed:
    """A stream of a list; an exception in it is raised, an Event in it is waited for."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items
        self.response = Response()

    def __iter__(self) -> Iterator[Any]:
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            if isinstance(item, threading.Event):
                item.wait(5)
                continue
            yield item


@contextmanager
def opened(*items: Any, closed: threading.Event | None = None) -> Iterator[Listed]:
    listed = Listed(list(items))
    yield listed
    listed.response.is_closed = True
    if closed is not None:
        closed.set()


def read(*items: Any, within: float = 5, **values: Any) -> Iterator[Any]:
    values = {"cancelled": lambda: False, "poll": 0.01} | values
    return stream.events(lambda: opened(*items), deadline=time.monotonic() + within, **values)


def test_events_come_in_order_until_the_end() -> None:
    assert list(read(1, 2, 3)) == [1, 2, 3]


def test_an_error_while_opening_and_one_while_reading_are_told_apart() -> None:
    @contextmanager
    def broken() -> Iterator[Any]:
        raise OSError("no route")
        yield

    with pytest.raises(stream.OpeningFailed) as opening:
        list(stream.events(broken, deadline=time.monotonic() + 5, cancelled=lambda: False))
    with pytest.raises(stream.ReadingFailed) as reading:
        list(read(1, ValueError("bad JSON")))
    assert (type(opening.value.error), type(reading.value.error)) == (OSError, ValueError)


def test_what_arrived_before_an_error_is_seen_first() -> None:
    seen = []
    with pytest.raises(stream.ReadingFailed):
        for event in read(1, 2, ValueError("cut")):
            seen.append(event)
    assert seen == [1, 2]


def test_the_deadline_and_a_cancelled_question_end_the_waiting() -> None:
    release = threading.Event()
    with pytest.raises(ModelTimedOut):
        list(read(1, release, within=0.05))
    with pytest.raises(ModelCancelled):
        list(read(1, release, cancelled=lambda: True))
    release.set()


def test_a_stream_that_opens_after_everybody_left_is_closed_unread() -> None:
    allowed, closed = threading.Event(), threading.Event()
    taken: list[Any] = []

    class Watched(Listed):
        def __iter__(self) -> Iterator[Any]:
            taken.append("read")
            return super().__iter__()

    @contextmanager
    def late() -> Iterator[Listed]:
        allowed.wait(5)
        yield Watched([1])
        closed.set()

    with pytest.raises(ModelTimedOut):
        list(stream.events(late, deadline=time.monotonic() + 0.05, cancelled=lambda: False))
    allowed.set()
    assert closed.wait(5)
    assert taken == []
