"""What is kept: entries, their blocks, the queue between, readers, the sums, the words."""

from audit.models.following import Follower
from audit.models.record import (
    PREVIEW_CHARACTERS,
    AppendOnly,
    AppendOnlyQuerySet,
    Entry,
)
from audit.models.rollup import Rollup
from audit.models.sealing import Block, Pruned, Unsealed
from audit.models.stamp import Stamp
from audit.models.words import EntryWords

__all__ = [
    "PREVIEW_CHARACTERS",
    "AppendOnly",
    "AppendOnlyQuerySet",
    "Block",
    "Entry",
    "EntryWords",
    "Follower",
    "Pruned",
    "Rollup",
    "Stamp",
    "Unsealed",
]
