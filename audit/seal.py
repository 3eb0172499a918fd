"""Seal what has been written: a block over all waiting entries, chained to the block before.

Any number of sealers may run. Each works in one transaction, so one that is killed leaves its
entries waiting; of two that make the same block number, one gives way and leaves its entries for
the next second.
"""

import json
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit import chain, signing
from audit.models import Block, Entry, Unsealed

BLOCK_SIZE = 5000


@dataclass(frozen=True)
class Waiting:
    """Entries that are not sealed yet, and for how long the first of them has not been."""

    unsealed: int
    oldest_seconds: int


def waiting() -> Waiting:
    """What waits to be sealed now: a second's worth, where somebody seals."""
    first = Unsealed.objects.order_by("entry").values("entry")[:1]
    at = Entry.objects.filter(pk__in=first).values_list("at", flat=True).first()
    seconds = max(0, round((timezone.now() - at).total_seconds())) if at else 0
    return Waiting(Unsealed.objects.count(), seconds)


def seal_once() -> int:
    """Seal the entries that wait, and say how many; 0 also when another sealer was faster."""
    sealed = 0
    # Asked outside a transaction: on SQLite every transaction takes the lock for writing.
    while Unsealed.objects.exists():
        block = seal_block()
        if block is None:
            break
        sealed += block.count
        # What was written meanwhile is the next second's: else busy writers get a block a moment.
        if block.count < BLOCK_SIZE:
            break
    return sealed


def seal_block() -> Block | None:
    """Seal the oldest waiting entries in one block; None when there is nothing left to take."""
    try:
        with transaction.atomic():
            return _seal()
    except IntegrityError:
        # Another sealer has taken this block number; nothing of ours was written.
        return None


def _seal() -> Block | None:
    queue = Unsealed.objects.select_for_update(skip_locked=True).order_by("entry")
    waiting = list(queue.values_list("entry", "digest")[:BLOCK_SIZE])
    if not waiting:
        return None
    signer = signing.signer()
    ids = [entry for entry, _ in waiting]
    leaves = [digest for _, digest in waiting]
    block = _chained(
        Block(
            root=chain.merkle_root(leaves),
            first=ids[0],
            last=ids[-1],
            count=len(ids),
            members=chain.ranges(ids),
            witness=chain.witness(leaves),
            sealed_at=timezone.now(),
            key=signer.id,
        )
    )
    block.signature = signer.sign(block.digest)
    block.save()
    _take_out(ids)
    return block


def _take_out(ids: list[int]) -> None:
    """Have these wait no longer: keys as one parameter, whatever their number."""
    is_postgresql = connection.vendor == "postgresql"
    these = "= ANY(%s)" if is_postgresql else "IN (SELECT value FROM json_each(%s))"
    table = connection.ops.quote_name(Unsealed._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE entry {these}", [ids if is_postgresql else json.dumps(ids)]
        )


def _chained(block: Block) -> Block:
    """The block with its number and digest, behind the last one."""
    last = Block.objects.only("number", "digest").order_by("-number").first()
    block.number = last.number + 1 if last else 1
    block.previous = last.digest if last else ""
    block.digest = block.reckon_digest()
    return block
