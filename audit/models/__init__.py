"""What is kept of the record: entries, their blocks, the queue between, and how far readers are."""

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

__all__ = [
    "PREVIEW_CHARACTERS",
    "AppendOnly",
    "AppendOnlyQuerySet",
    "Block",
    "Entry",
    "Follower",
    "Stamp",
    "Unsealed",
]
