"""Take entries away whose time is over, and leave the proof of the others as it was.

Of an entry that goes its digest stays, so that its block can be recomputed with those that are
kept; of a block whose entries have all gone, its head alone. Each go is one transaction with an
entry `record.pruned`, whose digest covers what was taken: nobody takes entries away unseen.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max, Min
from django.utils import timezone

from audit import chain, record, retention, triggers
from audit.models import Block, Entry, Follower, Pruned

# So many entries go at once.
AT_ONCE = 5000
# Of blocks that overlap, so many are looked at for the one that has an entry.
_OVERLAPPING = 50


@dataclass
class Taken:
    """How many entries went, by kind; `behind` names readers whom others wait for."""

    kinds: Counter[str] = field(default_factory=Counter)
    behind: list[str] = field(default_factory=list)


def prune(kept: Mapping[str, int], *, who: record.Who, now: datetime | None = None) -> Taken:
    """Take away what is older than its kind is kept (days); in goes of their own transactions.

    What a reader of the record (`audit.following`) has not read stays until it has.
    """
    taken = Taken()
    for cutoff, kinds in retention.cutoffs(kept, now or timezone.now()):
        after = 0
        while ids := _next(cutoff, kinds, after):
            with triggers.opened(triggers.PRUNE):
                went = _prune(ids, who=who, until=cutoff)
            taken.kinds += went
            after = ids[-1]
            if not went:
                taken.behind = _behind()
                break
    return taken


def expired(kept: Mapping[str, int], now: datetime) -> Counter[str]:
    """How many entries of each kind are older than they are kept."""
    found: Counter[str] = Counter()
    for cutoff, kinds in retention.cutoffs(kept, now):
        for kind in kinds:
            found[kind] = Entry.objects.filter(kind=kind, at__lt=cutoff).count()
    return +found


def _next(cutoff: datetime, kinds: Sequence[str], after: int) -> list[int]:
    old = Entry.objects.filter(kind__in=kinds, at__lt=cutoff, id__gt=after).order_by("id")
    return list(old.values_list("id", flat=True)[:AT_ONCE])


def _read_by_all() -> int | None:
    """The last block that every reader has read; None when there is no reader."""
    least: int | None = Follower.objects.aggregate(least=Min("block"))["least"]
    return least


def _behind() -> list[str]:
    """Readers that have not read all that is sealed."""
    last = Block.objects.aggregate(last=Max("number"))["last"] or 0
    return sorted(Follower.objects.filter(block__lt=last).values_list("name", flat=True))


def _prune(ids: Sequence[int], *, who: record.Who, until: datetime) -> Counter[str]:
    rows = Entry.objects.filter(id__in=ids).order_by("id")
    if connection.features.has_select_for_update:
        # Somebody else may prune the same ones.
        rows = rows.select_for_update()
    blocks = _by_block({row.pk: row for row in rows.only("id", "kind", "digest")})
    gone = [entry for entries in blocks.values() for entry in entries]
    if not gone:
        return Counter()
    left = [_left(block, entries) for block, entries in blocks.items()]
    said = _say(gone, left, who=who, until=until)
    Pruned.objects.bulk_create(
        [
            Pruned(block=one.block, members=one.members, leaves=one.leaves, entry=said.pk)
            for one in left
        ]
    )
    _delete([entry.pk for entry in gone])
    return Counter(entry.kind for entry in gone)


def _by_block(entries: Mapping[int, Entry]) -> Mapping[Block, list[Entry]]:
    """Those that are sealed in blocks that everybody has read, by their block."""
    found: dict[Block, list[Entry]] = defaultdict(list)
    read, block, members = _read_by_all(), None, frozenset[int]()
    for pk in sorted(entries):
        if pk not in members:
            block = block_of(pk)
            members = frozenset(chain.ids(block.members)) if block else frozenset()
        if block and (read is None or block.number <= read):
            found[block].append(entries[pk])
    return dict(sorted(found.items(), key=lambda one: one[0].number))


def block_of(entry: int) -> Block | None:
    """The block that an entry is, or was, in."""
    around = Block.objects.filter(first__lte=entry, last__gte=entry).order_by("-first")
    for block in around.defer("witness")[:_OVERLAPPING]:
        if entry in chain.ids(block.members):
            return block
    return None


def _left(block: Block, entries: Sequence[Entry]) -> Pruned:
    gone = {entry.pk for entry in entries}
    for members in Pruned.objects.filter(block=block.number).values_list("members", flat=True):
        gone.update(chain.ids(members))
    is_whole = len(gone) == block.count
    leaves = b"" if is_whole else b"".join(bytes.fromhex(entry.digest) for entry in entries)
    members = chain.ranges(entry.pk for entry in entries)
    return Pruned(block=block.number, members=members, leaves=leaves)


def _say(
    gone: Sequence[Entry], left: Sequence[Pruned], *, who: record.Who, until: datetime
) -> Entry:
    return record.write(
        Entry.Kind.RECORD_PRUNED,
        Entry.Outcome.OK,
        who=who,
        detail={
            "entries": len(gone),
            "kinds": dict(sorted(Counter(entry.kind for entry in gone).items())),
            "before": until.isoformat(),
            "blocks": len(left),
            "first_block": left[0].block,
            "last_block": left[-1].block,
            "digest": digest_of((one.block, one.members, one.leaves) for one in left),
        },
    )


def _delete(ids: Sequence[int]) -> None:
    marks = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM audit_entry WHERE id IN ({marks})", ids)


# --- The proof of it ------------------------------------------------------------------------------
def digest_of(left: Iterable[tuple[int, str, Any]]) -> str:
    """Over (block, members, leaves) in the order of blocks."""
    found = hashlib.sha256(b"omni2 pruned 1\n")
    for block, members, leaves in left:
        kept = hashlib.sha256(bytes(leaves)).hexdigest()
        found.update(chain.canonical([block, members, kept]) + b"\n")
    return found.hexdigest()


def unsaid() -> Iterator[int]:
    """The first block of each go that no entry `record.pruned` says with just that."""
    for said in Pruned.objects.order_by("entry").values_list("entry", flat=True).distinct():
        rows = Pruned.objects.filter(entry=said).order_by("block")
        found = digest_of(rows.values_list("block", "members", "leaves").iterator())
        entry = Entry.objects.filter(pk=said, kind=Entry.Kind.RECORD_PRUNED).first()
        if entry is None or not entry.detail or entry.detail.get("digest") != found:
            yield rows.values_list("block", flat=True)[0]


@dataclass(frozen=True)
class Left:
    """Which entries of a block were pruned, and their leaves as far as they are needed."""

    members: frozenset[int]
    leaves: Mapping[int, str]


def left_of(first: int, last: int) -> Mapping[int, Left]:
    """What stays of those of these blocks of which something was pruned."""
    members: dict[int, set[int]] = defaultdict(set)
    leaves: dict[int, dict[int, str]] = defaultdict(dict)
    for row in Pruned.objects.filter(block__gte=first, block__lte=last):
        ids, kept = list(chain.ids(row.members)), bytes(row.leaves)
        members[row.block].update(ids)
        pieces = (kept[at : at + 32].hex() for at in range(0, len(kept), 32))
        leaves[row.block].update(zip(ids, pieces, strict=False))
    return {block: Left(frozenset(ids), leaves[block]) for block, ids in members.items()}
