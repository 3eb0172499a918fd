"""Read a model's stream in a thread of its own, so that no silence can hold a question.

A blocking read knows no total deadline: pings for ever keep it alive, and nobody can tell it that
the question was cancelled. So one thread reads, and the caller waits for it in short steps.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from gateway.llm.base import ModelCancelled, ModelTimedOut

Opened = AbstractContextManager[Any]
_END = object()


class StreamFailed(Exception):
    """No whole stream; `error` is what the SDK raised for it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.error = error


class OpeningFailed(StreamFailed):
    """The request got no stream."""


class ReadingFailed(StreamFailed):
    """The stream broke off."""


def events(
    open_stream: Callable[[], Opened],
    *,
    deadline: float,
    cancelled: Callable[[], bool],
    poll: float = 0.1,
) -> Generator[Any, None, None]:
    """Every event of a stream, until it ends, the deadline passes or the question is cancelled.

    Raises OpeningFailed, ReadingFailed, ModelTimedOut or ModelCancelled. However this ends, also by
    closing the generator, the connection is shut at once.
    """
    reader = _Reader(open_stream)
    try:
        while True:
            if cancelled():
                raise ModelCancelled("The question was cancelled.")
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise ModelTimedOut("The model did not finish its answer in time.")
            try:
                item = reader.items.get(timeout=min(poll, remaining))
            except queue.Empty:
                continue
            if item is _END:
                return
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        reader.leave()


class _Reader:
    def __init__(self, open_stream: Callable[[], Opened]) -> None:
        self.items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._open_stream = open_stream
        self._lock = threading.Lock()
        self._left = False
        self._response: Any = None
        threading.Thread(target=self._read, name="model-stream", daemon=True).start()

    def _read(self) -> None:
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(self._open_stream())
            except Exception as error:
                self.items.put(OpeningFailed(error))
                return
            try:
                self._pass_on(stream)
            except Exception as error:
                self.items.put(ReadingFailed(error))
                return
        self.items.put(_END)

    def _pass_on(self, stream: Any) -> None:
        if self._hold(stream.response):
            for event in stream:
                self.items.put(event)

    def _hold(self, response: Any) -> bool:
        """Remember the response so that it can be shut; False when nobody waits for it any more."""
        with self._lock:
            self._response = response
            return not self._left

    def leave(self) -> None:
        """Stop reading: shut the connection, which wakes the thread, and it cleans up."""
        with self._lock:
            self._left = True
            response = self._response
        if response is not None and not response.is_closed:
            _shut(response)


def _shut(response: Any) -> None:
    connection = response.extensions.get("network_stream")
    sock = connection.get_extra_info("socket") if connection is not None else None
    if isinstance(sock, socket.socket):
        try:
            # The plain shutdown, under TLS too: it is the one that wakes a read of another thread.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except OSError:
            return
