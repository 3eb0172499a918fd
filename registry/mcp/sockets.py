"""Sockets that never block: waiting for them, and dialling what the guard has checked.

Every wait ends at the caller's deadline, and soon after the caller no longer wants the answer.
"""

import concurrent.futures
import errno
import math
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from registry.mcp import dialling, guard
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import Cancelled, Executed, TimedOut, Unreachable
from registry.mcp.watching import LOOK_SECONDS

_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)


class Watch:
    """How long one caller waits: until `deadline` (monotonic), or until `stop` says so.

    `sent` is whether any of the request may have left.
    """

    def __init__(self, deadline: float, stop: Callable[[], bool] | None) -> None:
        self.deadline, self._stop, self.sent = deadline, stop, False

    @property
    def executed(self) -> Executed:
        return "unknown" if self.sent else "no"

    def look(self) -> float:
        """Seconds that may be waited until the next look. Raises Cancelled and TimedOut."""
        if self._stop is not None and self._stop():
            raise Cancelled("The call was cancelled.", executed=self.executed)
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimedOut("The server did not answer in time.", executed=self.executed)
        return left if self._stop is None else min(left, LOOK_SECONDS)

    def rest(self, seconds: float) -> None:
        """Do nothing for so long. Raises as `look` does."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, self.look()))

    def until(self, sock: socket.socket, events: int, *, seconds: float = math.inf) -> bool:
        """Wait until the socket is ready. False after `seconds`; raises as `look` does."""
        poll, end = select.poll(), time.monotonic() + seconds
        poll.register(sock, events)
        while True:
            wait = min(self.look(), end - time.monotonic())
            if wait <= 0:
                return False
            if poll.poll(math.ceil(wait * 1000)):
                return True


# --- Dialling -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Limits:
    """A watch of its own for opening a connection: what it may take, and its own words."""

    watch: Watch
    end: float

    def until(self, sock: socket.socket, events: int, *, seconds: float = math.inf) -> None:
        if not self.watch.until(sock, events, seconds=min(seconds, self.end - time.monotonic())):
            raise TimeoutError


def dial(
    endpoint: Endpoint, origin: guard.Origin, resolver: guard.Resolver, *, watch: Watch
) -> socket.socket:
    """A connection to the endpoint, TLS included. Raises Unreachable, GuardRefused among it."""
    limits = _Limits(watch, time.monotonic() + endpoint.connect_timeout)
    try:
        sock = _connected(_checked(endpoint, origin, resolver, limits=limits), origin.port, limits)
        return sock if origin.scheme == "http" else _secured(sock, origin.host, limits)
    except TimeoutError:
        raise Unreachable("No connection to the server in time.", executed="no") from None
    except OSError as error:
        reason = error.strerror or "the server does not answer"
        raise Unreachable(f"No connection to the server: {reason}.", executed="no") from None


def _checked(
    endpoint: Endpoint, origin: guard.Origin, resolver: guard.Resolver, *, limits: _Limits
) -> Sequence[str]:
    """The addresses that may be dialled. A resolver that hangs is left behind in its thread."""
    found: concurrent.futures.Future[list[str]] = concurrent.futures.Future()

    def check() -> None:
        try:
            allowed = endpoint.internal_addresses
            found.set_result(guard.addresses(origin.host, origin.port, allowed, resolver=resolver))
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=check, name="mcp-resolve", daemon=True).start()
    while True:
        left = min(limits.watch.look(), limits.end - time.monotonic())
        try:
            return found.result(max(0.0, left))
        except concurrent.futures.TimeoutError:
            if time.monotonic() >= limits.end:
                raise TimeoutError from None


def _connected(addresses: Sequence[str], port: int, limits: _Limits) -> socket.socket:
    """A socket to the first address that answers."""
    for address in addresses[:-1]:
        try:
            return _connect(address, port, limits, seconds=dialling.ATTEMPT_SECONDS)
        except OSError:
            continue
    return _connect(addresses[-1], port, limits, seconds=math.inf)


def _connect(address: str, port: int, limits: _Limits, *, seconds: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex((address, port))
        if code in _UNDER_WAY:
            limits.until(sock, select.POLLOUT, seconds=seconds)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def _secured(sock: socket.socket, host: str, limits: _Limits) -> ssl.SSLSocket:
    secure = dialling.ssl_context().wrap_socket(
        sock, server_hostname=host, do_handshake_on_connect=False
    )
    try:
        while True:
            try:
                secure.do_handshake()
                return secure
            except ssl.SSLWantReadError:
                limits.until(secure, select.POLLIN)
            except ssl.SSLWantWriteError:
                limits.until(secure, select.POLLOUT)
    except BaseException:
        secure.close()
        raise
