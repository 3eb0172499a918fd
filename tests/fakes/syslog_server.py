"""A syslog server: takes messages by UDP, TCP or TLS; may hang up before it has read."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.fakes import hosting
from tests.fakes.hosting import HERE

HEADER = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\S+) omni2 - ocsf - (.*)", re.DOTALL
)


@dataclass
class SyslogServer:
    """What was said, message by message; `hangs_up` are the next connections to be reset."""

    address: str = ""
    said: list[bytes] = field(default_factory=list)
    hangs_up: int = 0

    def take(self, stream: socket.socket) -> None:
        """One connection to its end, by the counts of its octets (RFC 6587, section 3.4.1)."""
        with stream.makefile("rb") as text:
            while length := _number(text):
                self.said.append(text.read(length))


def _number(text: object) -> int:
    digits = b""
    while (one := text.read(1)) not in (b"", b" "):  # type: ignore[attr-defined]
        digits += one
    return int(digits or 0)


@contextmanager
def serve(context: ssl.SSLContext | None = None, host: str = HERE) -> Iterator[SyslogServer]:
    """A server on a free TCP port; with a context it speaks TLS."""
    server = SyslogServer()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    server.address = hosting.address(host, listener.getsockname()[1])
    threading.Thread(target=_accept, args=[server, listener, context], daemon=True).start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _accept(server: SyslogServer, listener: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            stream, _ = listener.accept()
        except OSError:
            return
        with suppress(OSError), stream:
            if server.hangs_up:
                server.hangs_up -= 1
                reset = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                stream.recv(1)
                continue
            wrapped = context.wrap_socket(stream, server_side=True) if context else stream
            server.take(wrapped)
            with suppress(OSError):
                wrapped.close()


@contextmanager
def serve_datagrams() -> Iterator[SyslogServer]:
    """A server on a free UDP port."""
    server = SyslogServer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.bind(("127.0.0.1", 0))
        plain.settimeout(0.05)
        server.address = f"127.0.0.1:{plain.getsockname()[1]}"
        done = threading.Event()
        thread = threading.Thread(target=_receive, args=[server, plain, done], daemon=True)
        thread.start()
        try:
            yield server
        finally:
            done.set()
            thread.join()


def _receive(server: SyslogServer, plain: socket.socket, done: threading.Event) -> None:
    while not done.is_set():
        with suppress(TimeoutError):
            server.said.append(plain.recv(65536))
