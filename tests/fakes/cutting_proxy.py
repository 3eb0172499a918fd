"""A TCP proxy that cuts every connection at a word of the client's, and is gone until it is mended.

    with serve(("127.0.0.1", 5432)) as proxy:
        proxy.cut_at(b"audit_entry", b"COMMIT")     # at the first COMMIT after the first of these
        ...                                         # connect to proxy.port
        proxy.mend()

What the client sends in the piece that holds the last word does not arrive any more.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

Address = tuple[str, int]
# Closing then resets the connection, as a host that has gone away would.
_AT_ONCE = struct.pack("ii", 1, 0)


class CuttingProxy:
    """The proxy's face to a test."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._words: list[bytes] = []
        self._open: list[socket.socket] = []
        self.is_cut = False

    def cut_at(self, *words: bytes) -> None:
        """Cut as soon as these have come from clients in this order."""
        self._words = list(words)

    def mend(self) -> None:
        """Let connections through again."""
        self._words, self.is_cut = [], False

    def run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_cut:
                _reset(client)
                continue
            server = socket.create_connection(self._target)
            with self._lock:
                self._open += [client, server]
            threading.Thread(target=self._pass_on, args=(client, server, True), daemon=True).start()
            threading.Thread(
                target=self._pass_on, args=(server, client, False), daemon=True
            ).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()

    def _pass_on(self, source: socket.socket, sink: socket.socket, is_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if is_client and self._is_the_moment(data):
                    self._cut()
                    return
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _is_the_moment(self, data: bytes) -> bool:
        with self._lock:
            if not self._words:
                return False
            while self._words and self._words[0] in data:
                self._words.pop(0)
            self.is_cut = not self._words
            return self.is_cut

    def _cut(self) -> None:
        with self._lock:
            opened, self._open = self._open, []
        for one in opened:
            _reset(one)


def _reset(one: socket.socket) -> None:
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def serve(target: Address) -> Iterator[CuttingProxy]:
    """Run a proxy in front of `target` until the block ends."""
    proxy = CuttingProxy(target)
    threading.Thread(target=proxy.run, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
