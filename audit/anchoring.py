"""The head of the record, written down where the database's owner cannot take it back.

One line of JSON for each time the head has moved. A tail that is cut off together with its blocks
leaves no trace in the database itself; it is seen against these lines.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from audit import chain
from audit.errors import AnchorError
from audit.models import Block

log = logging.getLogger(__name__)
# A line has about 400 bytes.
TAIL_BYTES = 4096


@dataclass(frozen=True)
class Anchor:
    """A head as it was: which block, its digest, the signature of that and by which key."""

    number: int
    digest: str
    key: str
    signature: str
    sealed_at: str
    at: str

    @classmethod
    def of(cls, block: Block) -> "Anchor":
        sealed_at, now = chain.plain(block.sealed_at), chain.plain(timezone.now())
        return cls(block.number, block.digest, block.key, block.signature, sealed_at, now)

    @classmethod
    def parse(cls, line: str) -> "Anchor":
        """The anchor of this line; raises ValueError or TypeError when it is none."""
        anchor = cls(**json.loads(line))
        if not isinstance(anchor.number, int) or not isinstance(anchor.digest, str):
            raise ValueError("number and digest")
        return anchor


def anchor() -> Anchor | None:
    """Add the head to the file when it has moved; raises AnchorError when the record was cut.

    Any number of processes may do so. What is returned is on the disk.
    """
    path = Path(settings.ANCHOR_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        return _add(file, _last(file, path))


def _add(file: Any, last: Anchor | None) -> Anchor | None:
    head = Block.objects.defer("witness").order_by("-number").first()
    if last and not still_there(last):
        raise AnchorError(
            f"Block {last.number}, which was anchored, is not on the record any more."
        )
    if head is None or (last and last.number >= head.number):
        return None
    added = Anchor.of(head)
    file.write(json.dumps(asdict(added)).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())
    return added


def _last(file: Any, path: Path) -> Anchor | None:
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(max(0, size - TAIL_BYTES))
    lines = file.read().splitlines()
    # What a full disk or a crash has left of a line ends where the next one begins.
    if size and not _ends(file, size):
        file.write(b"\n")
    for line in reversed(lines):
        try:
            return Anchor.parse(line)
        except (ValueError, TypeError):
            log.warning("a line of the anchors cannot be read", extra={"file": str(path)})
    return None


def _ends(file: Any, size: int) -> bool:
    file.seek(size - 1)
    return bool(file.read(1) == b"\n")


def still_there(known: Anchor) -> bool:
    """Whether the record has this very block."""
    return Block.objects.filter(number=known.number, digest=known.digest).exists()


def anchors(path: Path) -> Iterator[Anchor]:
    """The heads that were kept, the oldest first; raises AnchorError at a line that is none."""
    before = 0
    try:
        with path.open() as file:
            for place, line in enumerate(file, 1):
                if not line.strip():
                    continue
                found = _parsed(line, place)
                if found.number < before:
                    raise AnchorError(f"Line {place} of the anchors is older than the one before.")
                before = found.number
                yield found
    except (OSError, UnicodeDecodeError) as error:
        raise AnchorError(f"The anchors cannot be read: {error}") from error


def _parsed(line: str, place: int) -> Anchor:
    try:
        return Anchor.parse(line)
    except (ValueError, TypeError) as error:
        raise AnchorError(f"Line {place} of the anchors is not one: {error}") from error
