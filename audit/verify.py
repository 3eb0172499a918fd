"""Prove that the record is what was written, or name the first place where it is not.

First the chain of blocks, then every entry in the order of ids, held against the blocks: each
entry has the digest of its columns, and stands in exactly one block or still in the queue. It may
run while entries are written and sealed. What it cannot see is a tail cut off together with its
blocks: for that, compare `Report.head` with one kept outside the database.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, Min, OuterRef

from audit import chain, erasing, pruning, signing
from audit.anchoring import Anchor, still_there
from audit.findings import BrokenError, Finding
from audit.models import Block, Entry, Unsealed
from audit.spans import TOLERANCE, Dated, Looked, Sealed, Span, look

BLOCK_BATCH = 200
# So many entries are looked at in one go, by one process.
SPAN = 20_000
QUEUE_BATCH = 2000
LOWEST = -(2**63)

# How `look` is done to several stretches: their results, in order.
Spread = Callable[[Callable[[Span], Looked], Iterable[Span]], Iterable[Looked]]


@dataclass
class Report:
    """What was looked at; `head` is the digest of the last block, "" when there is none."""

    entries: int = 0
    blocks: int = 0
    unsealed: int = 0
    start: int = 1
    head: str = ""
    # How many blocks each key has signed ("" is none), and how many anchors were compared.
    keys: dict[str, int] = field(default_factory=dict)
    anchors: int = 0
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        return self.finding is None


@dataclass
class _Run:
    """One verification: up to the block and the entry that were last when it began."""

    report: Report
    last_block: int = 0
    seen_block: int = 0
    after: int = LOWEST
    top: int = 0
    # The latest moment of what was sealed so far.
    latest: str = ""
    # Entries in no block that was looked at so far.
    loose: dict[int, str] = field(default_factory=dict)
    # Entries of which something was erased, by the entry that should say so.
    erased: dict[int, list[int]] = field(default_factory=dict)
    anchors: Iterator[Anchor] = field(default_factory=lambda: iter(()))
    coming: Anchor | None = None
    # Since when there is a key to sign with, as far as is known.
    keyed: datetime | None = None

    def begin(self) -> None:
        # In this order: an entry written and sealed in between must not be missed in its block.
        self.last_block = Block.objects.aggregate(last=Max("number"))["last"] or 0
        self.top = Entry.objects.aggregate(top=Max("id"))["top"] or 0
        self.coming = next(self.anchors, None)
        known = [key.since for key in signing.public_keys().values() if key.since]
        self.keyed = min(known, default=None)
        if self.report.start > 1:
            ours = Block.objects.filter(number__gte=self.report.start, number__lte=self.last_block)
            first = ours.aggregate(first=Min("first"))["first"]
            self.after = self.top if first is None else first - 1

    def had_key(self, block: Block) -> bool:
        """Whether there was a key already when this block was sealed."""
        return self.keyed is not None and block.sealed_at > self.keyed


def verify(start: int = 1, *, anchors: Iterable[Anchor] = (), spread: Spread = map) -> Report:
    """Go through the record from this block on; the report holds the first finding, if any.

    `anchors` are heads that were kept elsewhere, the oldest first.
    """
    run = _Run(Report(start=start), anchors=iter(anchors))
    run.begin()
    try:
        _check_entries(run, spread)
        _check_later_anchors(run)
        _check_loose(run)
        _check_queue()
        _check_erased(run)
        _check_pruned()
    except BrokenError as broken:
        run.report.finding = _earlier(run, broken.finding)
    return run.report


def block_at(moment: datetime) -> int:
    """The number of the first block sealed at this moment or later; one too many if none is."""
    later = Block.objects.filter(sealed_at__gte=moment).aggregate(first=Min("number"))["first"]
    last: int = Block.objects.aggregate(last=Max("number"))["last"] or 0
    return last + 1 if later is None else later


def _earlier(run: _Run, finding: Finding) -> Finding:
    """The finding, or what is wrong with an entry before it that still waited to be looked up."""
    if finding.entry is None:
        return finding
    run.loose = {entry: leaf for entry, leaf in run.loose.items() if entry < finding.entry}
    try:
        _check_loose(run)
    except BrokenError as broken:
        return broken.finding
    if finding.block is None:
        around = pruning.block_of(finding.entry)
        return Finding(finding.kind, finding.entry, around.number if around else None)
    return finding


# --- Blocks ---------------------------------------------------------------------------------------
def _check_chain(run: _Run) -> Iterator[Block]:
    """The blocks in order, each fitting the one before."""
    start = run.report.start
    previous = _digest_of(start - 1)
    for block in _blocks(LOWEST if start == 1 else start - 1, run.last_block):
        expected = start + run.report.blocks
        if block.number != expected:
            is_gap = block.number > expected
            kind = "block-missing" if is_gap else "block-inserted"
            raise BrokenError(Finding(kind, block=min(expected, block.number)))
        if block.previous != previous:
            raise BrokenError(Finding("block-unchained", block=block.number))
        if block.digest != block.reckon_digest():
            raise BrokenError(Finding("block-changed", block.first, block=block.number))
        _check_signed(run, block)
        _check_anchors(run, block)
        run.report.blocks += 1
        run.report.head = previous = block.digest
        yield block


def _check_signed(run: _Run, block: Block) -> None:
    """Once there is a key, every block is signed; how long there has been one is on our list."""
    count = run.report.keys
    if not block.key and (count.keys() - {""} or run.had_key(block)):
        raise BrokenError(Finding("unsigned", block.first, block.number))
    count[block.key] = count.get(block.key, 0) + 1


def _check_anchors(run: _Run, block: Block) -> None:
    """Those of this block; `run.coming` is the next anchor that is not of an earlier one."""
    while run.coming and run.coming.number <= block.number:
        if run.coming.number == block.number:
            run.report.anchors += 1
            if run.coming.digest != block.digest:
                raise BrokenError(Finding("anchored", block.first, block.number))
        run.coming = next(run.anchors, None)


def _check_later_anchors(run: _Run) -> None:
    """Those of blocks that are gone, or were made since we began."""
    while run.coming:
        if not still_there(run.coming):
            raise BrokenError(Finding("cut-off", block=run.coming.number))
        run.report.anchors += 1
        run.coming = next(run.anchors, None)


def _digest_of(number: int) -> str:
    digest = Block.objects.filter(number=number).values_list("digest", flat=True).first()
    if number and digest is None:
        raise BrokenError(Finding("block-missing", block=number))
    return digest or ""


def _blocks(after: int, last: int) -> Iterator[Block]:
    light = Block.objects.defer("witness").order_by("number")
    while batch := list(light.filter(number__gt=after, number__lte=last)[:BLOCK_BATCH]):
        yield from batch
        after = batch[-1].number


# --- Entries --------------------------------------------------------------------------------------
def _check_entries(run: _Run, spread: Spread) -> None:
    for looked in spread(look, _spans(run)):
        run.report.entries += looked.entries
        run.seen_block = max(run.seen_block, looked.block)
        run.loose.update(looked.loose)
        for entry, by in looked.erased:
            run.erased.setdefault(by, []).append(entry)
        if looked.first:
            _forget_claimed(run, looked.strays)
            raise BrokenError(looked.first)
        _claim(run, looked.strays)
        for dated in looked.dated:
            _check_order(run, dated)


def _spans(run: _Run) -> Iterator[Span]:
    """The whole range in stretches. A broken chain ends it with what came before."""
    after, blocks, count = run.after, list[Block](), 0
    for block in _check_chain(run):
        blocks.append(block)
        count += block.count
        if count >= SPAN:
            last = max(after, *(one.last for one in blocks))
            yield Span(after, last, tuple(map(Sealed.of, blocks)))
            after, blocks, count = last, [], 0
    last = max([after, *(one.last for one in blocks)])
    yield Span(after, last, tuple(map(Sealed.of, blocks)))
    yield from _tail(last, run.top)


def _tail(after: int, top: int) -> Iterator[Span]:
    while after < top:
        coming = Entry.objects.filter(id__gt=after, id__lte=top).aggregate(first=Min("id"))
        if coming["first"] is None:
            return
        last = min(coming["first"] + SPAN - 1, top)
        yield Span(coming["first"] - 1, last)
        after = last


def _claim(run: _Run, strays: Iterable[int]) -> None:
    """Entries that a later block has after all."""
    for entry in strays:
        if run.loose.pop(entry, None) is None and entry > run.after:
            raise BrokenError(Finding("sealed-twice", entry))


def _forget_claimed(run: _Run, strays: Iterable[int]) -> None:
    for entry in strays:
        run.loose.pop(entry, None)


def _check_order(run: _Run, dated: Dated) -> None:
    if run.latest and dated.earliest < run.latest:
        bound = chain.plain(datetime.fromisoformat(run.latest) - TOLERANCE)
        if dated.earliest < bound:
            raise BrokenError(Finding("backdated", dated.entry, block=dated.block))
    run.latest = max(run.latest, dated.latest)


# --- Entries in no block that was looked at -------------------------------------------------------
def _check_loose(run: _Run) -> None:
    ids = sorted(run.loose)
    for at in range(0, len(ids), QUEUE_BATCH):
        batch = ids[at : at + QUEUE_BATCH]
        queue = Unsealed.objects.filter(entry__in=batch)
        waiting: dict[int, str] = dict(queue.values_list("entry", "digest"))
        for entry in batch:
            if entry in waiting:
                _check_waiting(entry, run.loose[entry], waiting[entry])
                run.report.unsealed += 1
            elif not _is_sealed_elsewhere(entry, run):
                raise BrokenError(Finding("inserted", entry))
    run.loose.clear()


def _check_waiting(entry: int, digest: str, waiting: str) -> None:
    if digest != waiting:
        raise BrokenError(Finding("queue-changed", entry))


def _is_sealed_elsewhere(entry: int, run: _Run) -> bool:
    """Whether it is in a block that was not looked at: later, made meanwhile, or before."""
    around = Block.objects.filter(first__lte=entry, last__gte=entry)
    others = around.filter(number__gt=run.seen_block) | around.filter(number__lt=run.report.start)
    return any(entry in chain.ids(block.members) for block in others.defer("witness"))


def _check_erased(run: _Run) -> None:
    """Each entry of which something was erased is named by one that says so."""
    unsaid = [
        entry for by, entries in run.erased.items() for entry in set(entries) - erasing.said(by)
    ]
    if unsaid:
        raise BrokenError(Finding("erased-unsaid", min(unsaid)))


def _check_pruned() -> None:
    for block in pruning.unsaid():
        raise BrokenError(Finding("pruned-unsaid", block=block))


def _check_queue() -> None:
    entry: Any = Entry.objects.filter(pk=OuterRef("entry"))
    gone = Unsealed.objects.filter(~Exists(entry)).order_by("entry").first()
    if gone:
        raise BrokenError(Finding("queue-missing", gone.entry))
