"""What can be wrong with the record, and where."""

from dataclasses import dataclass

# What each kind of break is called in words.
PROBLEMS = {
    "block-missing": "the block is gone",
    "block-inserted": "the block stands before the first one",
    "block-unchained": "it is not chained to the block before",
    "block-changed": "the block was changed",
    "unsigned": "it bears no signature, although there was a key by then",
    "key-unknown": "it is signed by a key that is on no list of ours",
    "signature": "its signature does not fit",
    "anchored": "it is not the block that was anchored",
    "cut-off": "it was anchored and is gone (the end was cut off)",
    "changed": "it was changed after it was written",
    "unreadable": "it cannot be read any more",
    "missing": "it was sealed and is gone",
    "sealed-twice": "it was sealed twice",
    "replaced": "it is not the entry that was sealed (replaced or swapped)",
    "root": "its entries are not the ones that were sealed",
    "backdated": "it bears a time long before what was sealed before it",
    "postdated": "it bears a time long after it was sealed",
    "erased-unsaid": "something of it was erased, and no entry says so",
    "pruned-unsaid": "entries of it were taken away, and no entry says so",
    "there-again": "it was taken away, and is there again",
    "inserted": "it is in no block and not in the queue (written past the record)",
    "queue-changed": "it is not the entry that waits to be sealed",
    "queue-missing": "it waits to be sealed and is gone",
}


@dataclass(frozen=True)
class Finding:
    """Where the record is broken: `entry` is the first one concerned, `block` the one around it.

    `kind` is a word of `PROBLEMS`.
    """

    kind: str
    entry: int | None = None
    block: int | None = None

    @property
    def problem(self) -> str:
        return PROBLEMS[self.kind]

    def __str__(self) -> str:
        places = (("entry", self.entry), ("block", self.block))
        place = ", ".join(f"{name} {number}" for name, number in places if number is not None)
        return f"{place}: {self.problem}"


class BrokenError(Exception):
    """Carries a finding out of the loops that look for it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding
