"""A stretch of the record: some blocks in a row, and the entries of a range of ids, held together.

Stretches know nothing of each other, so several can be looked at side by side. What one cannot
judge by itself it hands over: entries that are in none of its blocks, and entries of its blocks
that lie before its range (they were committed late).
"""

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from audit import chain, pruning, reading, signing
from audit.findings import Finding
from audit.models import Block
from audit.pruning import Left
from audit.signing import PublicKey

# So far clocks of several machines, and a long transaction, may put times out of their order.
TOLERANCE = timedelta(hours=1)
NOTHING_PRUNED = Left(frozenset(), {})


@dataclass(frozen=True)
class Sealed:
    """What a block says about its entries."""

    number: int
    root: str
    count: int
    first: int
    members: str
    latest: str
    digest: str
    key: str
    signature: str

    @classmethod
    def of(cls, block: Block) -> "Sealed":
        return cls(
            block.number,
            block.root,
            block.count,
            block.first,
            block.members,
            chain.plain(block.sealed_at + TOLERANCE),
            block.digest,
            block.key,
            block.signature,
        )


@dataclass(frozen=True)
class Span:
    """Blocks in a row, and entries with `after` < id <= `last`."""

    after: int
    last: int
    blocks: tuple[Sealed, ...] = ()


@dataclass(frozen=True)
class Dated:
    """When the entries of a block happened: the earliest, which one that is, and the latest."""

    block: int
    earliest: str
    entry: int
    latest: str


@dataclass
class Looked:
    """What was seen up to a block: `loose` are (id, digest) in none, `strays` from elsewhere."""

    block: int = 0
    entries: int = 0
    loose: list[tuple[int, str]] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)
    dated: list[Dated] = field(default_factory=list)
    # Entries of which something was erased, and the one that says so.
    erased: list[tuple[int, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def first(self) -> Finding | None:
        """The finding with the lowest entry."""
        return min(self.findings, key=lambda one: one.entry or 0, default=None)


Leaves = dict[int, tuple[str, str]]


def look(span: Span) -> Looked:
    """Hold the entries of a stretch against its blocks."""
    with _without_collecting():
        return _look(span)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Rows hold no circles: to look for some among thousands of them takes a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _look(span: Span) -> Looked:
    looked = Looked(span.blocks[-1].number if span.blocks else 0)
    leaves = _leaves(span, looked)
    keys = signing.public_keys()
    left = pruning.left_of(span.blocks[0].number, looked.block) if span.blocks else {}
    for block in span.blocks:
        _check_signature(block, keys, looked)
        _check_block(block, leaves, looked, span, left.get(block.number, NOTHING_PRUNED))
    looked.loose = [(entry, digest) for entry, (digest, _) in leaves.items()]
    return looked


def _leaves(span: Span, looked: Looked) -> Leaves:
    leaves: Leaves = {}
    for page in reading.between(span.after, span.last):
        looked.entries += len(page)
        looked.findings += _misfits(page)
        looked.erased += [(row.id, row.erased_by) for row in page if row.erased_by]
        leaves.update((row.id, (row.digest, row.at)) for row in page)
    return leaves


def _check_signature(block: Sealed, keys: Mapping[str, PublicKey], looked: Looked) -> None:
    if not block.key:
        return
    key = keys.get(block.key)
    if key is None:
        looked.findings.append(Finding("key-unknown", block.first, block.number))
    elif not key.fits(block.signature, block.digest):
        looked.findings.append(Finding("signature", block.first, block.number))


def _misfits(rows: Iterable[reading.Row]) -> Iterator[Finding]:
    for row in rows:
        if row.digest != row.reckoned or not row.reckoned:
            yield Finding("changed" if row.reckoned else "unreadable", row.id)


def _check_block(block: Sealed, leaves: Leaves, looked: Looked, span: Span, left: Left) -> None:
    ids = list(chain.ids(block.members))
    taken = [leaves.pop(entry, None) for entry in ids]
    if None in taken:
        there = {entry: row for entry, row in zip(ids, taken, strict=True) if row is not None}
        absent = [entry for entry in ids if entry not in there and entry not in left.members]
        there |= _elsewhere(absent, block, looked, span)
        _check_pruned(there.keys() & left.members, block, looked)
        if left.members.issuperset(ids):
            return
        kept = {entry: (leaf, "") for entry, leaf in left.leaves.items()}
        taken = [there.get(entry) or kept.get(entry) for entry in ids]
    rows = [row for row in taken if row is not None]
    if len(rows) < len(ids):
        if not looked.findings:
            looked.findings.append(Finding("root", block.first, block.number))
        return
    _check_root(block, ids, [digest for digest, _ in rows], looked)
    _check_dates(block, ids, [at for _, at in rows], looked)


def _check_pruned(again: Collection[int], block: Sealed, looked: Looked) -> None:
    """Entries that were taken away and are there; unless they went since they were read."""
    still = reading.these(sorted(again))
    looked.findings += [Finding("there-again", row.id, block.number) for row in still]


def _elsewhere(absent: Sequence[int], block: Sealed, looked: Looked, span: Span) -> Leaves:
    """The entries of a block that are not left in the range, as far as they lie before it."""
    rows = reading.these(absent)
    early = [row for row in rows if row.id <= span.after]
    looked.strays += [row.id for row in early]
    looked.findings += _misfits(early)
    looked.findings += [
        Finding("sealed-twice", row.id, block.number) for row in rows if row.id > span.after
    ]
    there = {row.id for row in rows}
    looked.findings += [
        Finding("missing", entry, block.number) for entry in absent if entry not in there
    ]
    return {row.id: (row.digest, row.at) for row in early}


def _check_root(block: Sealed, ids: list[int], leaves: list[str], looked: Looked) -> None:
    if len(leaves) == block.count and _root(leaves) == block.root:
        return
    witness = bytes(Block.objects.values_list("witness", flat=True).get(number=block.number))
    size = chain.WITNESS_BYTES
    for at, (entry, leaf) in enumerate(zip(ids, leaves, strict=True)):
        if leaf[: 2 * size] != witness[at * size : (at + 1) * size].hex():
            looked.findings.append(Finding("replaced", entry, block.number))
            return
    looked.findings.append(Finding("root", block.first, block.number))


def _root(leaves: list[str]) -> str:
    try:
        return chain.merkle_root(leaves)
    except ValueError:
        # A digest that was edited need not even be hexadecimal.
        return ""


def _check_dates(block: Sealed, ids: list[int], moments: list[str], looked: Looked) -> None:
    dated = [(at, entry) for at, entry in zip(moments, ids, strict=True) if at]
    if not dated:
        return
    (earliest, first), (latest, last) = min(dated), max(dated)
    if latest > block.latest:
        looked.findings.append(Finding("postdated", last, block.number))
    looked.dated.append(Dated(block.number, earliest, first, latest))
