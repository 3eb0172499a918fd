"""The only way into the record.

`write` redacts, bounds and digests what happened and inserts it, together with its place in the
queue for sealing, in the caller's transaction or one of its own. It raises when that fails: what
cannot be recorded must not be done.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TypedDict, Unpack
from uuid import UUID

from django.db import transaction
from django.db.models import CharField
from django.utils import timezone

from audit import chain, inputs, randomness, redact, together
from audit.copies import new_copy_of
from audit.errors import UnknownNameError
from audit.models import PREVIEW_CHARACTERS, Entry
from audit.models.record import PROOF_COLUMNS

ARGUMENTS_CHARACTERS = 16_000
DETAIL_CHARACTERS = 64_000
CENT_FRACTION = Decimal("1e-8")
TOKEN_COUNTS = ("input", "output", "cache_read", "cache_write")


@dataclass(frozen=True)
class Who:
    """Who did it, and where they came from; `api_key` is the key's prefix only."""

    person: str = ""
    role: str = ""
    door: str = ""
    address: str = ""
    user_agent: str = ""
    api_key: str = ""
    channel: str = ""
    thread: str = ""


class Facts(TypedDict, total=False):
    """What an entry can say beyond its kind and outcome."""

    who: Who
    question: str | UUID
    call: str | UUID
    server: str
    tool: str
    fingerprint: str
    arguments: object
    result: object
    decision: Mapping[str, object] | None
    inputs: Mapping[str, object] | None
    policy_version: str
    tokens: Mapping[str, int | None] | None
    cost: Decimal | None
    milliseconds: int | None
    error_code: str
    error_id: str
    detail: Mapping[str, object] | None


NOBODY = Who()
TEXTS = (
    "question",
    "call",
    "server",
    "tool",
    "fingerprint",
    "policy_version",
    "error_code",
    "error_id",
)
# What an entry that follows another says itself, as facts and as columns; all else it takes over.
ENDS = frozenset({"milliseconds", "error_code", "result", "detail"})
OWN = (
    *("kind", "outcome", "at", "milliseconds", "error_code", "error_id", "preview"),
    *("result_digest", "detail", *PROOF_COLUMNS),
)
LENGTHS: dict[str, int] = {
    field.attname: field.max_length
    for field in Entry._meta.concrete_fields
    if isinstance(field, CharField) and field.max_length
}


def write(kind: str, outcome: str, **facts: Unpack[Facts]) -> Entry:
    """Record that something happened; raises when it could not be written."""
    return write_many([prepare(kind, outcome, **facts)])[0]


def write_many(entries: Iterable[Entry]) -> list[Entry]:
    """Write entries made by `prepare`, all or none, in one go."""
    written = list(entries)
    # No savepoint: whoever cannot record must not go on with the rest of the transaction either.
    with transaction.atomic(savepoint=False):
        together.carry_out([together.Write(written)])
    return written


def prepare(kind: str, outcome: str, **facts: Unpack[Facts]) -> Entry:
    """An entry with its digest, redacted and bounded, not yet written."""
    unknown = facts.keys() - Facts.__annotations__.keys()
    if unknown:
        raise TypeError(f"the record has no place for {', '.join(sorted(unknown))}")
    texts = vars(facts.get("who", NOBODY)) | {name: facts.get(name, "") for name in TEXTS}
    entry = new_copy_of(
        _blank(),
        kind=_known(kind, Entry.Kind),
        outcome=_known(outcome, Entry.Outcome),
        at=timezone.now(),
        cost=_money(facts.get("cost")),
        milliseconds=facts.get("milliseconds"),
        detail=_bounded(redact.redact(facts.get("detail")), DETAIL_CHARACTERS),
        **_columns(texts),
        **_decision(facts.get("decision")),
        **_tokens(facts.get("tokens") or {}),
        **_arguments(facts.get("arguments"), facts.get("inputs")),
        **_result(facts.get("result")),
    )
    return _sealable(entry)


def follow(first: Entry, kind: str, outcome: str, **facts: Unpack[Facts]) -> Entry:
    """What came of what `first` says: an entry about the same, not yet written.

    Who, what and why stand in it as they were made safe for `first`; of the facts there are those
    that are known only in the end.
    """
    unknown = facts.keys() - ENDS
    if unknown:
        raise TypeError(f"an entry that follows takes no {', '.join(sorted(unknown))}")
    own = {
        "kind": _known(kind, Entry.Kind),
        "outcome": _known(outcome, Entry.Outcome),
        "at": timezone.now(),
        "milliseconds": facts.get("milliseconds"),
        "detail": _bounded(redact.redact(facts.get("detail")), DETAIL_CHARACTERS),
        **_columns({"error_code": facts.get("error_code", "")}),
        **_result(facts.get("result")),
    }
    blank = vars(_blank())
    return _sealable(new_copy_of(first, **{name: blank[name] for name in OWN} | own))


def _sealable(entry: Entry) -> Entry:
    """The entry with salt of its own, by which it can be erased later, and its digest."""
    entry.salt = randomness.token_hex(32)
    entry.digest = entry.reckon_digest()
    return entry


@cache
def _blank() -> Entry:
    """An entry of which nothing is said; nobody changes it."""
    return Entry()


def _known(name: str, names: type[Entry.Kind] | type[Entry.Outcome]) -> str:
    try:
        return names(name).value
    except ValueError as error:
        raise UnknownNameError(f"{name!r} is not one of {names.__qualname__}") from error


def _columns(texts: Mapping[str, object]) -> dict[str, str]:
    """Texts made safe, each cut to the length of its column."""
    return {
        name: cut(redact.redact_text(str(text)), LENGTHS[name]) if text else ""
        for name, text in texts.items()
    }


def _decision(summary: Mapping[str, object] | None) -> dict[str, object]:
    if summary is None:
        return {}
    names = ("effect", "layer", "rule", "reason")
    whole = redact.redact(summary)
    columns = _columns({name: summary.get(name) or "" for name in names})
    columns |= _columns({"decision_id": summary.get("id") or ""})
    return {**columns, "decision": _bounded(whole, ARGUMENTS_CHARACTERS)}


def _tokens(counts: Mapping[str, int | None]) -> dict[str, int | None]:
    unknown = counts.keys() - set(TOKEN_COUNTS)
    if unknown:
        raise UnknownNameError(f"tokens are counted as {TOKEN_COUNTS}, not {sorted(unknown)}")
    return {f"{name}_tokens": count for name, count in counts.items()}


def _money(cost: Decimal | None) -> Decimal | None:
    """As the column keeps it, so that the digest is over what will be read back."""
    return None if cost is None else Decimal(cost).quantize(CENT_FRACTION)


def _arguments(arguments: object, rested_on: Mapping[str, object] | None) -> dict[str, object]:
    """The arguments as they are kept, and what the decision on them rested on."""
    safe = redact.redact(arguments)
    bounded = _bounded(safe, ARGUMENTS_CHARACTERS)
    columns: dict[str, object] = {}
    if arguments is not None:
        columns = {"arguments": bounded, "arguments_digest": chain.digest(safe)}
    if rested_on is not None:
        cut_short = bounded is not safe
        columns["inputs"] = inputs.kept(rested_on, arguments, safe=safe, cut=cut_short)
    return columns


def _result(result: object) -> dict[str, object]:
    if result is None:
        return {}
    safe = redact.redact(result)
    text = safe if isinstance(safe, str) else chain.canonical(safe).decode()
    return {"preview": cut(text, PREVIEW_CHARACTERS), "result_digest": chain.digest(safe)}


def _bounded(value: object, characters: int) -> object:
    """The value itself, or the beginning of its JSON when that is too long."""
    text = chain.canonical(value).decode()
    if len(text) <= characters:
        return value
    return {"cut": True, "characters": len(text), "beginning": text[: characters // 2]}


def cut(text: str, length: int) -> str:
    """At most `length` characters, ending in an ellipsis when some are missing."""
    return text if len(text) <= length else text[: length - 1] + "…"
