"""The arithmetic of tamper evidence, without Django: digests of entries, Merkle roots, blocks.

An entry's digest (its leaf) covers every column. A block's digest covers the Merkle root of its
entries, which entries they are, and the digest of the block before. So one digest kept outside the
database vouches for everything that was sealed up to it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

ENTRY_TAG = b"omni2 entry 1\n"
BLOCK_TAG = b"omni2 block 1\n"
LEAF_NODE, INNER_NODE = b"\x00", b"\x01"
WITNESS_BYTES = 8

# These go into the leaf by their own digest, so that retention can take the content away later and
# leave a digest in its place without breaking the proof.
CONTENT_COLUMNS = frozenset({"arguments", "inputs", "preview", "detail"})

_EMPTY = (None, "")


def plain(value: object) -> str:
    """How a moment (in UTC) and a sum of money are spelled; raises `TypeError` for all else."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, Decimal):
        return f"{value:.8f}"
    raise TypeError(f"a {type(value).__name__} has no canonical spelling")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=plain)


def canonical(value: object) -> bytes:
    """One spelling for a value that JSON can carry: keys sorted, no spaces, ASCII."""
    return _ENCODER.encode(value).encode()


def digest(value: object) -> str:
    """SHA-256 over the canonical spelling, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def leaf(columns: Mapping[str, object]) -> str:
    """The digest of an entry; empty columns are left out, so that a new one changes no old leaf."""
    return leaf_of(covered(columns))


def covered(columns: Mapping[str, object]) -> dict[str, object]:
    """What a leaf is over: the columns that are not empty, of contents their digests."""
    return {
        name: digest(value) if name in CONTENT_COLUMNS else value
        for name, value in columns.items()
        if value not in _EMPTY
    }


def leaf_of(columns: Mapping[str, object]) -> str:
    """The digest over what `covered` left."""
    return hashlib.sha256(ENTRY_TAG + canonical(columns)).hexdigest()


def merkle_root(leaves: Sequence[str]) -> str:
    """The root over at least one leaf, in order; a node without a neighbour moves up as it is."""
    if not leaves:
        raise ValueError("a block has at least one entry")
    level = [_hash(LEAF_NODE + bytes.fromhex(item)) for item in leaves]
    while len(level) > 1:
        pairs = [_hash(INNER_NODE + a + b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(level) & ~1 :]
    return level[0].hex()


def block_digest(previous: str, root: str, **columns: object) -> str:
    """The digest of a block over its other columns; `previous` is "" for the first one."""
    covered = {"previous": previous, "root": root, **columns}
    return hashlib.sha256(BLOCK_TAG + canonical(covered)).hexdigest()


def witness(leaves: Iterable[str]) -> bytes:
    """The first eight bytes of each leaf, one after the other."""
    return b"".join(bytes.fromhex(item[: 2 * WITNESS_BYTES]) for item in leaves)


def ranges(ids: Iterable[int]) -> str:
    """Ascending ids as text: `1-3,7`."""
    runs: list[list[int]] = []
    for number in ids:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def ids(members: str) -> Iterable[int]:
    """The ids that `ranges` wrote, one by one."""
    for run in members.split(","):
        first, _, last = run.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
