"""Prove that the record is what was written, or name the first place where it is not.

First the chain of blocks, then every entry in the order of ids, held against the blocks: each
entry has the digest of its columns, and stands in exactly one block or still in the queue. It may
run while entries are written and sealed. What it cannot see is a tail cut off together with its
blocks: for that, compare `Report.head` with one kept outside the database.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, NamedTuple

from django.db.models import Exists, Max, OuterRef

from audit import chain
from audit.models import Block, Entry, Unsealed

BATCH = 2000
BLOCK_BATCH = 50
LOWEST = -(2**63)
COLUMNS = Entry.columns()
# What a database adapter raises when a column holds what it cannot turn into a value.
UNREADABLE = (ValueError, TypeError, ArithmeticError)


@dataclass(frozen=True)
class Finding:
    """Where the record is broken: `entry` is the first one concerned, `block` the one around it."""

    problem: str
    entry: int | None = None
    block: int | None = None

    def __str__(self) -> str:
        places = (("entry", self.entry), ("block", self.block))
        place = ", ".join(f"{name} {number}" for name, number in places if number is not None)
        return f"{place}: {self.problem}"


class BrokenError(Exception):
    """Carries a finding out of the loops that look for it."""

    def __init__(self, problem: str, *, entry: int | None = None, block: int | None = None) -> None:
        super().__init__(problem)
        self.finding = Finding(problem, entry, block)


@dataclass
class Report:
    """What was looked at; `head` is the digest of the last block, "" when there is none."""

    entries: int = 0
    blocks: int = 0
    unsealed: int = 0
    head: str = ""
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        return self.finding is None


class Row(NamedTuple):
    """An entry as it was read: its key, the digest it carries, the one its columns have."""

    id: int
    digest: str
    reckoned: str


@dataclass
class _Run:
    """One verification: up to the block and the entry that were last when it began."""

    report: Report = field(default_factory=Report)
    top: int = 0
    last_block: int = 0
    # Entries in no block that existed when we began; they must be in the queue.
    loose: list[Row] = field(default_factory=list)

    def begin(self) -> None:
        # In this order: an entry written and sealed in between must not be missed in its block.
        self.last_block = Block.objects.aggregate(last=Max("number"))["last"] or 0
        self.top = Entry.objects.aggregate(top=Max("id"))["top"] or 0


def verify() -> Report:
    """Go through the whole record; the report holds the first finding, if there is one."""
    run = _Run()
    run.begin()
    try:
        _check_chain(run)
        _check_entries(run)
        _check_loose(run)
        _check_queue()
    except BrokenError as broken:
        run.report.finding = _earlier(run, broken.finding)
    return run.report


def _earlier(run: _Run, finding: Finding) -> Finding:
    """The finding, or what is wrong with an entry before it that still waited to be looked up."""
    try:
        _check_loose(run)
    except BrokenError as broken:
        other = broken.finding
        if finding.entry is not None and other.entry is not None and other.entry < finding.entry:
            return other
    return finding


# --- Blocks ---------------------------------------------------------------------------------------
def _check_chain(run: _Run) -> None:
    previous = ""
    for block in _blocks_by_number(run.last_block):
        run.report.blocks += 1
        if block.number > run.report.blocks:
            raise BrokenError("the block is gone", block=run.report.blocks)
        if block.number < run.report.blocks:
            raise BrokenError("the block stands before the first one", block=block.number)
        if block.previous != previous:
            raise BrokenError("it is not chained to the block before", block=block.number)
        if block.digest != block.reckon_digest():
            raise BrokenError("the block was changed", entry=block.first, block=block.number)
        previous = block.digest
    run.report.head = previous


def _blocks_by_number(last: int) -> Iterator[Block]:
    number = LOWEST
    while batch := list(
        Block.objects.filter(number__gt=number, number__lte=last).order_by("number")[:BLOCK_BATCH]
    ):
        yield from batch
        number = batch[-1].number


def _blocks_by_first(last: int) -> Iterator[Block]:
    """Blocks by their first entry. Two that begin alike are both found: the numbers differ."""
    first, number = LOWEST, LOWEST
    known = Block.objects.filter(number__lte=last).order_by("first", "number")
    while batch := list(
        (known.filter(first=first, number__gt=number) | known.filter(first__gt=first))[:BLOCK_BATCH]
    ):
        yield from batch
        first, number = batch[-1].first, batch[-1].number


@dataclass
class _Open:
    """A block of which some entries have been read."""

    block: Block
    witness: bytes
    leaves: list[str] = field(default_factory=list)

    def take(self, row: Row) -> None:
        """Add the next entry; raises when it is another one than was sealed."""
        at = chain.WITNESS_BYTES * len(self.leaves)
        sealed = self.witness[at : at + chain.WITNESS_BYTES]
        if bytes.fromhex(row.digest)[: chain.WITNESS_BYTES] != sealed:
            problem = "it is not the entry that was sealed (replaced or swapped)"
            raise BrokenError(problem, entry=row.id, block=self.block.number)
        self.leaves.append(row.digest)
        if len(self.leaves) == self.block.count:
            self._close()

    def _close(self) -> None:
        if chain.merkle_root(self.leaves) != self.block.root:
            problem = "its entries are not the ones that were sealed"
            raise BrokenError(problem, entry=self.block.first, block=self.block.number)


def _members(last_block: int) -> Iterator[tuple[int, _Open]]:
    """Every (entry id, its block) in the order of ids, with only overlapping blocks in memory."""
    blocks = _blocks_by_first(last_block)
    coming = next(blocks, None)
    heap: list[tuple[int, int, Iterator[int], _Open]] = []
    while heap or coming:
        while coming and (not heap or coming.first <= heap[0][0]):
            ids = iter(chain.ids(coming.members))
            opened = _Open(coming, bytes(coming.witness))
            heappush(heap, (next(ids), coming.number, ids, opened))
            coming = next(blocks, None)
        entry, number, ids, opened = heappop(heap)
        yield entry, opened
        following = next(ids, None)
        if following is not None:
            heappush(heap, (following, number, ids, opened))


# --- Entries --------------------------------------------------------------------------------------
def _check_entries(run: _Run) -> None:
    members = _members(run.last_block)
    expected = next(members, None)
    for row in _rows(run.top):
        run.report.entries += 1
        _refuse_missing(expected, before=row.id)
        if row.digest != row.reckoned:
            raise BrokenError("it was changed after it was written", entry=row.id)
        if expected is None or expected[0] != row.id:
            run.loose.append(row)
            continue
        expected[1].take(row)
        expected = next(members, None)
        if expected and expected[0] == row.id:
            raise BrokenError("it was sealed twice", entry=row.id, block=expected[1].block.number)
    _refuse_missing(expected, before=None)


def _refuse_missing(expected: tuple[int, _Open] | None, *, before: int | None) -> None:
    if expected and (before is None or expected[0] < before):
        raise BrokenError(
            "it was sealed and is gone", entry=expected[0], block=expected[1].block.number
        )


def _rows(top: int) -> Iterator[Row]:
    last = LOWEST
    while True:
        entries = Entry.objects.filter(id__gt=last, id__lte=top).order_by("id")[:BATCH]
        try:
            rows = [_row(*values) for values in entries.values_list("id", "digest", *COLUMNS)]
        except UNREADABLE:
            rows = []
            yield from _one_by_one(list(entries.values_list("id", flat=True)))
        if not rows:
            return
        yield from rows
        last = rows[-1].id


def _row(entry: int, digest: str, *values: object) -> Row:
    return Row(entry, digest, chain.leaf(dict(zip(COLUMNS, values, strict=True))))


def _one_by_one(ids: list[int]) -> Iterator[Row]:
    """The readable entries of a batch, up to the one that is not; raises there."""
    entry = ids[0]
    try:
        for entry in ids:
            one = Entry.objects.filter(id=entry)
            yield _row(*one.values_list("id", "digest", *COLUMNS).get())
    except UNREADABLE as error:
        raise BrokenError("it cannot be read any more", entry=entry) from error
    raise BrokenError("its batch could not be read", entry=ids[0])


# --- The queue ------------------------------------------------------------------------------------
def _check_loose(run: _Run) -> None:
    """Entries in no block must wait in the queue, or have been sealed while we looked."""
    for start in range(0, len(run.loose), BATCH):
        batch = run.loose[start : start + BATCH]
        waiting: dict[int, str] = dict(
            Unsealed.objects.filter(entry__in=[row.id for row in batch]).values_list(
                "entry", "digest"
            )
        )
        for row in batch:
            if row.id in waiting:
                _check_waiting(row, waiting[row.id])
                run.report.unsealed += 1
            elif not _sealed_since(row, run.last_block):
                problem = "it is in no block and not in the queue (written past the record)"
                raise BrokenError(problem, entry=row.id)
    run.loose.clear()


def _check_waiting(row: Row, digest: str) -> None:
    if row.digest != digest:
        raise BrokenError("it is not the entry that waits to be sealed", entry=row.id)


def _sealed_since(row: Row, last_block: int) -> bool:
    later = Block.objects.filter(number__gt=last_block, first__lte=row.id, last__gte=row.id)
    return any(row.id in chain.ids(block.members) for block in later)


def _check_queue() -> None:
    entry: Any = Entry.objects.filter(pk=OuterRef("entry"))
    gone = Unsealed.objects.filter(~Exists(entry)).order_by("entry").first()
    if gone:
        raise BrokenError("it waits to be sealed and is gone", entry=gone.entry)
