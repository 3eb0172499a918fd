"""The blocks that seal entries, and the queue between the two."""

from typing import ClassVar

from django.db import models

from audit import chain
from audit.models.record import AppendOnly


class Unsealed(models.Model):
    """An entry that waits for its block; committed together with the entry itself."""

    entry = models.BigIntegerField(primary_key=True)
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "unsealed"

    def __str__(self) -> str:
        return f"entry {self.entry}"


class Block(AppendOnly):
    """Entries sealed together, chained to the block before.

    Ids are given before a transaction commits, so the entries of one block need not be neighbours;
    `members` names them as ranges ("1-20,22"). `witness` keeps eight bytes of each entry's digest,
    in the order of ids: it proves nothing, but tells which entry of a broken block was touched.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    previous = models.CharField(
        max_length=64, blank=True, help_text="The digest of the block before."
    )
    root = models.CharField(max_length=64, help_text="Merkle root over the entries' digests.")
    digest = models.CharField(max_length=64, unique=True)
    first = models.BigIntegerField(db_index=True)
    last = models.BigIntegerField()
    count = models.PositiveIntegerField()
    members = models.TextField()
    witness = models.BinaryField()
    sealed_at = models.DateTimeField()
    key = models.CharField(
        max_length=16, blank=True, help_text="The id of the key that has signed the digest."
    )
    signature = models.CharField(max_length=128, blank=True, help_text="Ed25519.")

    class Meta:
        ordering: ClassVar = ["number"]
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"block {self.number}"

    def reckon_digest(self) -> str:
        """The digest that this block's columns should have."""
        # Blocks from before there were keys have the digest of what they had.
        signed = {"key": self.key} if self.key else {}
        return chain.block_digest(
            self.previous,
            self.root,
            **signed,
            number=self.number,
            first=self.first,
            last=self.last,
            count=self.count,
            members=self.members,
            sealed_at=self.sealed_at,
        )


class Pruned(AppendOnly):
    """Entries of a block that retention has taken away, and what stays of them in the proof.

    `leaves` are their digests, 32 bytes each in the order of ids; of a block of which nothing is
    left not even those stay, and its own digest vouches for what it was. `entry` is the one
    `record.pruned` that says so.
    """

    block = models.BigIntegerField()
    members = models.TextField()
    leaves = models.BinaryField()
    entry = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "pruned"
        base_manager_name = "objects"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["block", "entry"], name="pruned_once_by_an_entry"),
        ]
        indexes: ClassVar = [models.Index(fields=["entry", "block"], name="pruned_by_entry")]

    def __str__(self) -> str:
        return f"{self.members} of block {self.block}"
