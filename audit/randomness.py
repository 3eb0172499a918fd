"""Random bytes of the operating system's, fetched in advance: for salts and ids.

Whoever asks the system gives up their turn in the interpreter each time, and a call needs some of
these four times.
"""

import io
import os
import threading
import uuid

STOCK_BYTES = 1024


class _Stock(threading.local):
    """What this thread has fetched and not yet given away."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()


_stock = _Stock()


def token_bytes(count: int) -> bytes:
    """So many, none of which was given before; as good as those of `secrets`."""
    taken = _stock.bytes.read(count)
    if len(taken) < count:
        _stock.bytes = io.BytesIO(os.urandom(max(count, STOCK_BYTES)))
        taken = _stock.bytes.read(count)
    return taken


def token_hex(count: int) -> str:
    """So many bytes as lower-case hexadecimal digits, two each."""
    return token_bytes(count).hex()


def uuid4() -> uuid.UUID:
    """A random UUID (RFC 9562, version 4)."""
    return uuid.UUID(bytes=token_bytes(16), version=4)


def _forget() -> None:
    """In a forked process: what was fetched is the parent's to give away."""
    global _stock
    _stock = _Stock()


os.register_at_fork(after_in_child=_forget)
