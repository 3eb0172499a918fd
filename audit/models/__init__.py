"""What is kept: entries, their blocks, the queue between, readers, the sums, the words."""

from audit.models.following import Follower
from audit.models.record import (
    PREVIEW_CHARACTERS,
    AppendOnly,
    AppendOnlyQuerySet,
    Block,
    Entry,
    Stamp,
    Unsealed,
)
from audit.models.rollup import Rollup
from audit.models.words import EntryWords

__all__ = [
    "PREVIEW_CHARACTERS",
    "AppendOnly",
    "AppendOnlyQuerySet",
    "Block",
    "Entry",
    "EntryWords",
    "Follower",
    "Rollup",
    "Stamp",
    "Unsealed",
]
