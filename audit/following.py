"""Read along with the record: every sealed block once, in order, from where one stopped.

A follower is a name with the number of the block it has read last. Blocks are numbered without a
gap in the order in which they are committed, so whoever reads the next number misses nothing;
entries that wait to be sealed come with their block, a second later.

`take` is for readers whose work is rows of this database: what they write and the cursor are one
transaction, so each block counts once whatever dies in between. What they read and reckon comes
before it: SQLite lets nobody else write meanwhile. `deliver` is for those who do something
outside: the cursor moves after the effect, so each block arrives at least once. Any number of
processes may call either at the same time: one works, the others have nothing to do.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from audit.models import Block, Entry, Follower

# One transaction's worth; a block has 5,000 entries at most (`seal.BLOCK_SIZE`).
ENTRIES_AT_ONCE = 5000
LEASE = timedelta(minutes=2)
_MOST_BLOCKS = 500
_MOST_RUNS = 50

Use = Callable[["QuerySet[Entry]"], object]
Read = Callable[["QuerySet[Entry]"], Callable[[], object]]


def take(name: str, read: Read, *, most: int = ENTRIES_AT_ONCE) -> int:
    """Have `read` read the entries of the next blocks; the number of blocks.

    `read` gets the entries of at least one block, and of as many as have `most` entries together.
    What it returns is called in one transaction with the cursor, unless another process was there
    first or something was erased since. 0 then, and when there is nothing to read. What either
    raises leaves all as it was.
    """
    place = _place_of(name)
    blocks = _next_blocks(place.block, most)
    if not blocks:
        return 0
    write = read(entries_of(blocks))
    with transaction.atomic():
        here = Follower.objects.filter(name=name, block=place.block, erased=place.erased)
        if not here.update(block=blocks[-1].number, moved_at=timezone.now()):
            return 0
        write()
    return len(blocks)


def deliver(name: str, use: Use, *, most: int = ENTRIES_AT_ONCE, lease: timedelta = LEASE) -> int:
    """Have `use` do something outside with the next blocks' entries, then move on; as `take`.

    What `use` raises leaves these blocks to be delivered again. Where a process dies, another one
    delivers its blocks once more after `lease`: `use` has to be done well within that.
    """
    if not behind(name):
        return 0
    owner, now = secrets.token_hex(16), timezone.now()
    free = Follower.objects.filter(name=name).free(now)
    if not free.update(owner=owner, leased_until=now + lease):
        return 0
    ours = Follower.objects.filter(name=name, owner=owner)
    try:
        return _read(ours, use, after=ours.get().block, most=most)
    finally:
        ours.update(owner="", leased_until=None)


@contextmanager
def holding(name: str, *, lease: timedelta) -> "Iterator[QuerySet[Follower] | None]":
    """The reader's row as long as it is ours, for one that moves its cursor itself; None if it is
    another process's.

    Every update of it that touches no row says that the lease is over, and another has it.
    """
    owner, now = secrets.token_hex(16), timezone.now()
    Follower.objects.get_or_create(name=name)
    if (
        not Follower.objects.filter(name=name)
        .free(now)
        .update(owner=owner, leased_until=now + lease)
    ):
        yield None
        return
    ours = Follower.objects.filter(name=name, owner=owner)
    try:
        yield ours
    finally:
        ours.update(owner="", leased_until=None)


def start_at_the_end(name: str) -> None:
    """Have a reader that is new begin with what is sealed from now on; one that reads stays."""
    Follower.objects.get_or_create(name=name, defaults={"block": last_block()})


def start_again(name: str) -> None:
    """Have a reader begin with the first block once more, in the caller's transaction."""
    Follower.objects.update_or_create(name=name, defaults={"block": 0, "moved_at": None})


def erasing() -> None:
    """Have `take` write nothing of what was read before now; in the transaction that erases.

    Called before anything is erased: it waits for those who are writing.
    """
    Follower.objects.update(erased=F("erased") + 1)


def behind(name: str) -> int:
    """How many blocks a reader has not read; one that is new has read none."""
    return max(0, last_block() - _place_of(name).block)


def read_until(name: str) -> datetime | None:
    """When the last block that a reader has read was sealed; None before it has read any."""
    read = Follower.objects.filter(name=name).values("block")
    return Block.objects.filter(number__in=read).values_list("sealed_at", flat=True).first()


def waiting_since(name: str) -> datetime | None:
    """When the oldest block was sealed that a reader has not read; None when it has read all."""
    read = Follower.objects.filter(name=name).values_list("block", flat=True).first() or 0
    next_ones = Block.objects.filter(number__gt=read).order_by("number")
    return next_ones.values_list("sealed_at", flat=True).first()


def last_block() -> int:
    """The number of the last sealed block, 0 when there is none."""
    return Block.objects.aggregate(last=Max("number"))["last"] or 0


def entries_of(blocks: Iterable[Block]) -> "QuerySet[Entry]":
    """The entries of these blocks in the order of ids, without what retention took away."""
    runs = _runs(blocks)
    wide = [(first, last) for first, last in runs if last > first]
    if len(wide) > _MOST_RUNS:
        every = [one for first, last in runs for one in range(first, last + 1)]
        return Entry.objects.filter(id__in=every).order_by("id")
    members = Q(id__in=[first for first, last in runs if last == first])
    for first, last in wide:
        members |= Q(id__gte=first, id__lte=last)
    return Entry.objects.filter(members).order_by("id")


def _runs(blocks: Iterable[Block]) -> list[tuple[int, int]]:
    """The members of all blocks as few (first, last): blocks are mostly neighbours."""
    ends = (run.partition("-") for block in blocks for run in block.members.split(","))
    runs: list[tuple[int, int]] = []
    for first, last in sorted((int(first), int(last or first)) for first, _, last in ends):
        if runs and first == runs[-1][1] + 1:
            first = runs.pop()[0]
        runs.append((first, last))
    return runs


def _place_of(name: str) -> Follower:
    """How far a reader has read; one that is new is put down."""
    place = Follower.objects.filter(name=name).first()
    return place or Follower.objects.get_or_create(name=name)[0]


def _read(reader: "QuerySet[Follower]", use: Use, *, after: int, most: int) -> int:
    blocks = _next_blocks(after, most)
    if blocks:
        use(entries_of(blocks))
        reader.update(block=blocks[-1].number, moved_at=timezone.now())
    return len(blocks)


def _next_blocks(after: int, most: int) -> list[Block]:
    """The block behind this one, and the next ones as long as `most` entries hold them."""
    chosen: list[Block] = []
    entries = 0
    for block in Block.objects.filter(number__gt=after).defer("witness")[:_MOST_BLOCKS]:
        entries += block.count
        if chosen and entries > most:
            break
        chosen.append(block)
    return chosen
