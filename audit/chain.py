"""The arithmetic of tamper evidence, without Django: digests of entries, Merkle roots, blocks.

An entry's digest (its leaf) covers every column. What tells of a person or of contents enters by a
digest of its own, together with random salt: when it is erased, that digest stays in its place, and
without the salt nobody can find by trying what it was of. Entries of the first form have no salt.

A block's digest covers the Merkle root of its entries, which entries they are, and the digest of
the block before. So one digest kept outside the database vouches for everything that was sealed up
to it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

ENTRY_TAG = b"omni2 entry 1\n"
SALTED_TAG, GROUP_TAG = b"omni2 entry 2\n", b"omni2 group 2\n"
BLOCK_TAG = b"omni2 block 1\n"
LEAF_NODE, INNER_NODE = b"\x00", b"\x01"
WITNESS_BYTES = 8

# Columns that are erased together. This list belongs to the format: it can never be changed.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "person": ("person", "address", "user_agent", "api_key", "channel", "thread"),
    "content": (
        "arguments",
        "arguments_digest",
        "inputs",
        "preview",
        "result_digest",
        "decision",
        "reason",
        "detail",
    ),
}
# Of the salt, 64 hexadecimal digits, each group has its half.
SALTS = {"person": slice(0, 32), "content": slice(32, 64)}
# In the first form these go into the leaf by a digest of their own, without salt.
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


def entry_digest(columns: Mapping[str, object], salt: str, erased: Any) -> str:
    """The leaf of an entry of whichever form; raises ValueError where it can have none."""
    if not salt and erased is None:
        return leaf(columns)
    if isinstance(erased, dict) and "digests" in erased:
        return _partly_erased(columns, erased["digests"])
    return salted_leaf(columns, proofs(salt, erased))


def _partly_erased(columns: Mapping[str, object], digests: Any) -> str:
    """The leaf of an entry of the first form of which contents were erased."""
    if not isinstance(digests, dict) or digests.keys() - CONTENT_COLUMNS:
        raise ValueError("this is not what is left of contents")
    there = covered(columns)
    if there.keys() & digests.keys():
        raise ValueError("what was erased is there again")
    return leaf_of({**digests, **there})


def salted_leaf(columns: Mapping[str, object], proofs: Mapping[str, Mapping[str, str]]) -> str:
    """The digest of an entry of the second form; `proofs` as `proofs` below gives them."""
    rest = {name: value for name, value in columns.items() if value not in _EMPTY}
    for group, names in GROUPS.items():
        own = {name: rest.pop(name) for name in names if name in rest}
        rest[group] = _proven(own, proofs[group])
    return hashlib.sha256(SALTED_TAG + canonical(rest)).hexdigest()


def _proven(own: Mapping[str, object], proof: Mapping[str, str]) -> str:
    if "salt" in proof:
        return group_digest(own, proof["salt"])
    if own:
        raise ValueError("what was erased is there again")
    return proof["digest"]


def group_digest(columns: Mapping[str, object], salt: str) -> str:
    """The digest by which the columns of a group that are not empty enter the leaf."""
    return hashlib.sha256(GROUP_TAG + salt.encode() + canonical(columns)).hexdigest()


def proofs(salt: str, erased: Any) -> Mapping[str, Mapping[str, str]]:
    """For each group of an entry of the second form its salt, or its digest once it is erased.

    Raises ValueError for what an entry cannot have.
    """
    if salt and erased is None:
        return {group: {"salt": salt[half]} for group, half in SALTS.items()}
    given = erased.get("groups") if isinstance(erased, dict) and not salt else None
    if not isinstance(given, dict) or given.keys() != GROUPS.keys():
        raise ValueError("this entry has neither salt nor what is left of it")
    if any([*one] not in (["salt"], ["digest"]) for one in given.values()):
        raise ValueError("of a group either the salt or the digest is left")
    return given


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
