"""A stretch of the record as files, which can be verified without the database they came from.

`record-FIRST-LAST.jsonl.gz` holds the entries of these blocks as an export does, and what proves
them; `.blocks.jsonl.gz` the blocks; `.json`, written last, says what is in them and their digests.
Each file is written under another name first: what has its name is whole. The same stretch is
always the same name.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit import chain, following, pruning
from audit.export import Format, lines, rows_of
from audit.models import Block, Entry
from audit.models.record import PROOF_COLUMNS

VERSION = 1
BLOCKS_AT_ONCE = 200
ROWS_AT_ONCE = 1000
# As an export has them, and what the digest needs besides.
ENTRY_COLUMNS = ("id", *Entry.columns(), *PROOF_COLUMNS)
# All but the witness, which proves nothing.
COLUMNS = tuple(f.attname for f in Block._meta.concrete_fields if f.attname != "witness")


@dataclass(frozen=True)
class Written:
    """A stretch that is in its files."""

    name: str
    first: int
    last: int
    entries: int


def name_of(first: int, last: int) -> str:
    """What the files of these blocks are called, in the order of the record."""
    return f"record-{first:010}-{last:010}"


def write(folder: Path, first: int, last: int) -> Written:
    """Put these blocks into the folder, which has to be there; OSError leaves no halves."""
    name = name_of(first, last)
    entries, blocks = (_File(folder, f"{name}{end}") for end in (".jsonl.gz", ".blocks.jsonl.gz"))
    count = 0
    ends: list[dict[str, Any]] = []
    with entries, blocks:
        for some in _blocks(first, last):
            ends = [*(ends or [_said(some[0])])[:1], _said(some[-1])]
            blocks.add("".join(json.dumps(said) + "\n" for said in _with_what_is_left(some)))
            for text, number in _entries(some):
                entries.add(text)
                count += number
    manifest = {
        "version": VERSION,
        "files": [entries.described(), blocks.described()],
        "entries": count,
        "blocks": ends[-1]["number"] - ends[0]["number"] + 1,
        "first": ends[0],
        "last": ends[-1],
    }
    with _File(folder, f"{name}.json", packed=False) as said:
        said.add(json.dumps(manifest, indent=1) + "\n")
    for file in (entries, blocks, said):
        file.publish()
    return Written(name, first, last, count)


def found(folder: Path, first: int, last: int) -> Written | None:
    """These blocks, where they are in the folder already, whole; None where they are not.

    They are never written a second time: what was pruned since would be missing in what was whole.
    """
    name = name_of(first, last)
    ends = Block.objects.filter(number__in=(first, last)).values_list("number", "digest")
    try:
        said = json.loads((folder / f"{name}.json").read_text())
        is_whole = all(
            (folder / one["name"]).stat().st_size == one["bytes"] for one in said["files"]
        )
        written = {said[end]["number"]: said[end]["digest"] for end in ("first", "last")}
        entries = int(said["entries"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Written(name, first, last, entries) if is_whole and written == dict(ends) else None


def forget_halves(folder: Path) -> None:
    """Remove what somebody who died while writing has left."""
    for left in folder.glob(".record-*.part"):
        left.unlink(missing_ok=True)


def _blocks(first: int, last: int) -> Iterator[list[Block]]:
    for start in range(first, last + 1, BLOCKS_AT_ONCE):
        end = min(start + BLOCKS_AT_ONCE - 1, last)
        some = Block.objects.filter(number__gte=start, number__lte=end).defer("witness")
        if found := list(some.order_by("number")):
            yield found


def _entries(blocks: list[Block]) -> Iterator[tuple[str, int]]:
    rows: list[Any] = []
    for row in rows_of(following.entries_of(blocks), ENTRY_COLUMNS).iterator(ROWS_AT_ONCE):
        rows.append(row)
        if len(rows) == ROWS_AT_ONCE:
            yield lines(rows, Format.JSONL, ENTRY_COLUMNS), len(rows)
            rows = []
    yield lines(rows, Format.JSONL, ENTRY_COLUMNS), len(rows)


def _with_what_is_left(blocks: list[Block]) -> Iterator[dict[str, Any]]:
    """The blocks, and of those of which entries were pruned which, with what stays of them."""
    left = pruning.left_of(blocks[0].number, blocks[-1].number)
    for block in blocks:
        gone = left.get(block.number)
        members = chain.ranges(sorted(gone.members)) if gone else ""
        pruned = {"pruned": {"members": members, "leaves": gone.leaves}} if gone else {}
        yield _said(block) | pruned


def _said(block: Block) -> dict[str, Any]:
    said = {name: getattr(block, name) for name in COLUMNS}
    return said | {"sealed_at": chain.plain(block.sealed_at)}


class _File:
    """A file that has its name once it is whole; its digest is reckoned as it is written."""

    def __init__(self, folder: Path, name: str, *, packed: bool = True) -> None:
        self._path, self._part = folder / name, folder / f".{name}.part"
        self._digest, self._size, self._packed = hashlib.sha256(), 0, packed

    def __enter__(self) -> "_File":
        self._raw = self._part.open("wb")
        # Neither a name nor a time in it: the same content is the same file.
        self._gzip = gzip.GzipFile("", "wb", fileobj=self, mtime=0) if self._packed else None
        return self

    def __exit__(self, failed: Any, *_: object) -> None:
        if self._gzip is not None:
            self._gzip.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        if failed:
            self._part.unlink(missing_ok=True)

    def add(self, text: str) -> None:
        (self._gzip or self).write(text.encode())

    def write(self, data: bytes) -> int:
        """Take what is to stand in the file: also the packer's way to it."""
        self._digest.update(data)
        self._size += len(data)
        return self._raw.write(data)

    def flush(self) -> None:
        self._raw.flush()

    def described(self) -> dict[str, Any]:
        """The file as a manifest says it, once it is whole."""
        sha = self._digest.hexdigest()
        return {"name": self._path.name, "bytes": self._size, "sha256": sha}

    def publish(self) -> None:
        os.replace(self._part, self._path)
