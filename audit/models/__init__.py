"""What is kept: entries, their blocks, the queue between, how far readers are, and the sums."""

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

__all__ = [
    "PREVIEW_CHARACTERS",
    "AppendOnly",
    "AppendOnlyQuerySet",
    "Block",
    "Entry",
    "Follower",
    "Rollup",
    "Stamp",
    "Unsealed",
]
