"""Are the files of a folder what was written, and is what was written the record?

Nothing is asked of a database: the files' digests are compared with their manifests, each entry's
digest, each block's Merkle root, digest and signature are reckoned anew, and each block must follow
the one before, from file to file.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit import chain, signing
from audit.models import Block, Entry


class Broken(Exception):
    """Something in the files is not as it was written; says what and where."""


@dataclass
class Seen:
    """What was looked at and is right; `previous` is the digest of the last block."""

    files: int = 0
    blocks: int = 0
    entries: int = 0
    pruned: int = 0
    unsigned: int = 0
    last: int = 0
    previous: str = ""


def verify(folder: Path) -> Seen:
    """Look at every manifest of the folder and all that it names. Raises Broken, and OSError."""
    seen = Seen()
    keys = signing.public_keys()
    for path in sorted(folder.glob("record-*.json")):
        manifest = _manifest(path)
        for file in manifest["files"]:
            _check_file(folder / Path(file["name"]).name, file)
            seen.files += 1
        _check_blocks(folder, path.stem, seen, keys)
        if seen.previous != manifest["last"]["digest"]:
            raise Broken(f"{path.name}: its last block is another one than the manifest's")
    return seen


def _manifest(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text())
        assert len(said["files"]) == 2 and said["last"]["digest"]
    except (ValueError, KeyError, TypeError, AssertionError):
        raise Broken(f"{path.name}: this is no manifest") from None
    return dict(said)


def _check_file(path: Path, said: Any) -> None:
    digest = hashlib.sha256()
    if not path.exists():
        raise Broken(f"{path.name}: this file is missing")
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    if digest.hexdigest() != said["sha256"]:
        raise Broken(f"{path.name}: this file was changed")


def _check_blocks(folder: Path, name: str, seen: Seen, keys: Any) -> None:
    entries = _Entries(_lines(folder / f"{name}.jsonl.gz"))
    for said in _lines(folder / f"{name}.blocks.jsonl.gz"):
        gone = _Gone.of(said.pop("pruned", None))
        block = Block(**{**said, "sealed_at": datetime.fromisoformat(said["sealed_at"])})
        where = f"{name}: block {block.number}"
        if seen.blocks and (block.number, block.previous) != (seen.last + 1, seen.previous):
            raise Broken(f"{where} does not follow block {seen.last}")
        if block.reckon_digest() != block.digest:
            raise Broken(f"{where} is not what its digest says")
        _check_root(block, entries, gone, where=where)
        _check_signature(block, where, seen, keys)
        seen.blocks, seen.pruned = seen.blocks + 1, seen.pruned + len(gone.members)
        seen.entries += block.count - len(gone.members)
        seen.last, seen.previous = block.number, block.digest
    entries.check_end(name)


@dataclass(frozen=True)
class _Gone:
    """Which entries of a block had been pruned, and the leaves that stayed of them."""

    members: frozenset[int]
    leaves: Mapping[str, str]

    @classmethod
    def of(cls, said: Any) -> "_Gone":
        if not said:
            return cls(frozenset(), {})
        return cls(frozenset(chain.ids(said["members"])), said["leaves"])


def _check_root(block: Block, entries: "_Entries", gone: _Gone, *, where: str) -> None:
    """Of a block of which nothing is left, its digest alone vouches for what it was."""
    members = list(chain.ids(block.members))
    if gone.members.issuperset(members):
        return
    leaves = [
        gone.leaves.get(str(one), "") if one in gone.members else entries.leaf(one, where)
        for one in members
    ]
    if not all(leaves) or chain.merkle_root(leaves) != block.root:
        raise Broken(f"{where} does not hold these entries")


def _check_signature(block: Block, where: str, seen: Seen, keys: Any) -> None:
    """One by a key that is not known here proves nothing, and neither does none."""
    if block.key not in keys:
        seen.unsigned += 1
    elif not keys[block.key].fits(block.signature, block.digest):
        raise Broken(f"{where} has a signature that does not fit")


class _Entries:
    """The entries of a file, read as far as they are asked for."""

    def __init__(self, lines: Iterator[dict[str, Any]]) -> None:
        self._lines = lines
        self._leaves: dict[int, str] = {}

    def leaf(self, number: int, where: str) -> str:
        """The digest of this entry, reckoned from what stands in the file."""
        while number not in self._leaves:
            row = next(self._lines, None)
            if row is None:
                raise Broken(f"{where} has an entry {number} that is missing")
            leaf = _leaf(row)
            if leaf != row.get("digest"):
                raise Broken(f"{where}: entry {row.get('id')} is not what its digest says")
            self._leaves[row["id"]] = leaf
        return self._leaves.pop(number)

    def check_end(self, name: str) -> None:
        row = next(self._lines, None)
        more = next(iter(self._leaves), row.get("id") if row else None)
        if more is not None:
            raise Broken(f"{name}: entry {more} is in no block")


def _leaf(row: Mapping[str, Any]) -> str:
    """The digest that the entry should have; empty where it can have none."""
    columns = {name: row.get(name) for name in Entry.columns()}
    try:
        return chain.entry_digest(columns, row.get("salt") or "", row.get("erased"))
    except ValueError:
        return ""


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="ascii") as lines:
        for line in lines:
            yield json.loads(line)
