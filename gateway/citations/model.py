"""The values that cross this room's door."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a claim is, and so how it is compared."""

    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    IDENTIFIER = "identifier"


class Status(StrEnum):
    """How a claim is known."""

    FOUND = "found"  # it stands in a result, however it is spelled there
    ROUNDED = "rounded"  # a result has it more exactly, or in another unit
    COMPUTED = "computed"  # worked out from a result's rows or from two figures, as `how` says
    ASKED = "asked"  # the person said it, or the call was made with it
    UNSUPPORTED = "unsupported"  # it stands in no result


class Origin(StrEnum):
    """What kind of text a source is."""

    RESULT = "result"  # what a call of this question returned
    EARLIER = "earlier"  # what one of an earlier question of the same conversation returned
    QUESTION = "question"  # what the person said
    ARGUMENTS = "arguments"  # what a call was made with, and its names


@dataclass(frozen=True)
class Source:
    """A text that a claim may stand in; `call` names it where it belongs to a call."""

    origin: Origin
    text: str = field(repr=False)
    call: str = ""


@dataclass(frozen=True)
class Reading:
    """One way to read a figure. `step` is what its last digit counts: it may be rounded to that."""

    value: Decimal
    step: Decimal
    # Whether a source may have it more exactly: said as such, or written with a fraction.
    rounds: bool = False
    # Another unit or scale than the one it is written in.
    converted: bool = False


@dataclass(frozen=True)
class Claim:
    """Something an answer says: `answer[start:end]` is `text`.

    Figures have readings; everything else has keys, in the form that sources are indexed by.
    """

    kind: Kind
    text: str
    start: int
    readings: tuple[Reading, ...] = ()
    keys: tuple[str, ...] = ()
    negative: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Citation:
    """A claim and how it is known; `at` and `length` say where in the source, if it stands there.

    `how` is what the source has where that is spelled otherwise, or how it was worked out.
    """

    claim: Claim
    status: Status
    source: Source | None = None
    at: int = 0
    length: int = 0
    how: str = ""


@dataclass(frozen=True)
class Linked:
    """All claims of one answer in their order; `whole` unless there was too much to read."""

    citations: tuple[Citation, ...]
    whole: bool
