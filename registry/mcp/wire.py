"""HTTP/1.1 connections that the calling thread reads and writes itself, without an event loop."""

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import h11

from registry.mcp import guard
from registry.mcp.answers import Head
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import Unreachable
from registry.mcp.sockets import Watch, dial

HEAD_LIMIT = 100 * 1024
CHUNK = 64 * 1024
# Answers 1xx that may come before the one that counts.
MOST_INFORMATIONAL = 10
# As many idle connections are kept, for so many seconds.
KEPT, KEPT_SECONDS = 8, 30.0
_MUST_WAIT = (BlockingIOError, ssl.SSLWantReadError)
_BROKE = "The connection broke, or the server does not speak HTTP."


class Wire:
    """One connection: a request, the head of its answer, its body, and then the next."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        self.idle_since = 0.0

    def ask(self, request: h11.Request, content: bytes, watch: Watch) -> Head:
        """Send the request; the head of its answer. Raises Unreachable where it breaks."""
        try:
            whole = b"".join(
                self._http.send(event) or b""
                for event in (request, h11.Data(content), h11.EndOfMessage())
            )
            self._send(whole, watch)
            if not isinstance(self._sock, ssl.SSLSocket):
                # Nothing can be there to be read yet; TLS may have read along while it wrote.
                watch.until(self._sock, select.POLLIN)
            for _ in range(MOST_INFORMATIONAL):
                event = self._next(watch)
                if not isinstance(event, h11.InformationalResponse):
                    break
            if not isinstance(event, h11.Response):
                raise Unreachable(_BROKE)
        except (OSError, h11.RemoteProtocolError):
            raise Unreachable(_BROKE, executed=watch.executed) from None
        return Head(event.status_code, event.headers.raw_items())

    def body(self, watch: Watch) -> Iterator[bytes]:
        """The body as it comes. Raises Unreachable where it breaks off."""
        try:
            while not isinstance(event := self._next(watch), h11.EndOfMessage):
                if not isinstance(event, h11.Data):
                    raise Unreachable(_BROKE)
                yield bytes(event.data)
        except (OSError, h11.RemoteProtocolError):
            raise Unreachable("The connection broke before the answer was whole.") from None

    def may_be_kept(self) -> bool:
        """Whether the next request can be sent: the answer has ended, and the server stays.

        Of an answer that was read as far as it mattered, the end may be there by now.
        """
        if self._http.their_state is h11.SEND_BODY and not self._ends_here():
            return False
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return not self._http.trailing_data[0]

    def _ends_here(self) -> bool:
        try:
            if (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(self._sock.recv(CHUNK))
                event = self._http.next_event()
        except (OSError, h11.RemoteProtocolError):
            return False
        return isinstance(event, h11.EndOfMessage)

    def is_quiet(self) -> bool:
        """Whether the server neither hung up meanwhile nor said anything unasked."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def hang_up(self) -> None:
        """End it now; a thread that waits for it is woken."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()

    def _send(self, data: bytes, watch: Watch) -> None:
        left = memoryview(data)
        watch.look()
        watch.sent = True
        while left:
            try:
                left = left[self._sock.send(left) :]
            except (*_MUST_WAIT, ssl.SSLWantWriteError):
                watch.until(self._sock, select.POLLOUT)

    def _next(self, watch: Watch) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(self._receive(watch))
        return event

    def _receive(self, watch: Watch) -> bytes:
        while True:
            # A server that always has something to say has a deadline like any other.
            watch.look()
            try:
                return self._sock.recv(CHUNK)
            except _MUST_WAIT:
                watch.until(self._sock, select.POLLIN)


class Wires:
    """The connections to one endpoint, kept for the next who needs one; for all threads."""

    def __init__(self, endpoint: Endpoint, resolver: guard.Resolver) -> None:
        self._endpoint, self._resolver = endpoint, resolver
        self._origin = guard.parse_url(endpoint.url)
        guard.check_scheme(self._origin, endpoint.internal_addresses)
        self._lock = threading.Lock()
        self._idle: list[Wire] = []
        self._busy: set[Wire] = set()
        self._retired = self._closed = False

    @property
    def origin(self) -> guard.Origin:
        return self._origin

    @property
    def is_busy(self) -> bool:
        return bool(self._busy)

    def take(self, watch: Watch) -> Wire:
        """A connection for one request, kept or new. Raises Unreachable, GuardRefused among it."""
        while (wire := self._kept()) is not None:
            if time.monotonic() - wire.idle_since < KEPT_SECONDS and wire.is_quiet():
                return wire
            self.give_back(wire, whole=False)
        wire = Wire(dial(self._endpoint, self._origin, self._resolver, watch=watch))
        with self._lock:
            self._busy.add(wire)
        if self._closed:
            self.give_back(wire, whole=False)
            raise Unreachable("The connection was closed.", executed="no")
        return wire

    def give_back(self, wire: Wire, *, whole: bool) -> None:
        """Done with it; `whole` says that its answer was read to the end."""
        keep = whole and wire.may_be_kept()
        wire.idle_since = time.monotonic()
        with self._lock:
            self._busy.discard(wire)
            if keep and not self._retired and len(self._idle) < KEPT:
                self._idle.append(wire)
                return
        wire.close()

    def retire(self) -> None:
        """Keep no connection any more; those in use end with their requests."""
        with self._lock:
            idle, self._idle, self._retired = self._idle, [], True
        for wire in idle:
            wire.close()

    def hang_up(self) -> None:
        """End all connections now, those in use as well."""
        self.retire()
        with self._lock:
            self._closed = True
            for wire in self._busy:
                wire.hang_up()

    def _kept(self) -> Wire | None:
        with self._lock:
            if not self._idle:
                return None
            wire = self._idle.pop()
            self._busy.add(wire)
            return wire
