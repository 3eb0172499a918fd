"""The bytes of an answer as they come in.

What is large lies in a mapping of its own, which goes back to the system when it is done with. The
allocator would keep it for each thread that once read a large answer: 16 threads, 64 MB.
"""

import mmap

from registry.mcp.large import LARGE_BYTES
from registry.mcp.parsing import BYTE_LIMIT

# Beyond what any answer may have, for the piece that goes over it.
_ROOM = BYTE_LIMIT + 1024 * 1024


class Body:
    """Bytes that are added to and read once; `with` gives back what they took."""

    def __init__(self) -> None:
        self._small = bytearray()
        self._large: mmap.mmap | None = None
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Append the piece. Of what is beyond all limits, nothing is kept but the size."""
        self.size += len(piece)
        if self.size > _ROOM:
            return
        if self._large is None:
            if self.size <= LARGE_BYTES:
                self._small += piece
                return
            self._large = mmap.mmap(-1, _ROOM)
            self._large.write(self._small)
        self._large.write(piece)

    def first(self, count: int) -> bytes:
        """The first bytes, at most so many."""
        if self._large is None:
            return bytes(self._small[:count])
        return self._large[: min(count, self.size)]

    def __enter__(self) -> "Body":
        return self

    def __exit__(self, *_: object) -> None:
        # What the traceback of an error holds is held until garbage is collected.
        self._small.clear()
        if self._large is not None:
            self._large.close()
