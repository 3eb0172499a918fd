"""Erase what an entry says of a person, or its contents, and leave the proof as it was.

For a person's request, or a secret that got in. The columns are emptied; the digest by which they
entered the entry's own stays, the salt that would let somebody try values against it goes. An entry
`record.erased` says what was erased, when and why; it is never erased itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from audit import chain, following, record, triggers
from audit.errors import OldFormError
from audit.models import Entry
from audit.statements import update

# So many entries are named by one `record.erased`.
AT_ONCE = 2000
# What stands in a column that was emptied.
_EMPTY = {
    field.attname: field.get_default()
    for field in Entry._meta.concrete_fields
    if any(field.attname in names for names in chain.GROUPS.values())
}
# What the record says about itself.
KEPT_KINDS = (
    Entry.Kind.RECORD_EXPORTED,
    Entry.Kind.RECORD_ERASED,
    Entry.Kind.RECORD_PRUNED,
    Entry.Kind.RECORD_KEY_CHANGED,
)


def erasable(entries: "QuerySet[Entry]") -> "QuerySet[Entry]":
    """Those of them that may be erased."""
    return entries.exclude(kind__in=KEPT_KINDS)


def erase(
    entries: "QuerySet[Entry]", groups: Sequence[str], *, reason: str, who: record.Who
) -> int:
    """Erase these groups (`chain.GROUPS`) of entries; how many had something of it left.

    Raises OldFormError, with nothing erased of that batch, for the person of an entry that was
    written before it could be erased.
    """
    erased, after = 0, None
    while ids := _next(erasable(entries), after):
        with triggers.opened(triggers.ERASE):
            following.erasing()
            erased += _erase(ids, groups, reason=reason, who=who)
        after = ids[-1]
    return erased


def said(by: int) -> set[int]:
    """The entries of which this one says that something was erased."""
    entry = Entry.objects.filter(pk=by, kind=Entry.Kind.RECORD_ERASED).first()
    return set(chain.ids(entry.detail["entries"])) if entry and entry.detail else set()


def _next(entries: "QuerySet[Entry]", after: int | None) -> list[int]:
    beyond = entries if after is None else entries.filter(id__gt=after)
    return list(beyond.order_by("id").values_list("id", flat=True)[:AT_ONCE])


def _erase(ids: Sequence[int], groups: Sequence[str], *, reason: str, who: record.Who) -> int:
    rows = Entry.objects.filter(id__in=ids).order_by("id")
    locked = rows.select_for_update() if connection.features.has_select_for_update else rows
    todo = [entry for entry in locked if _has_left(entry, groups)]
    if not todo:
        return 0
    said = record.write(
        Entry.Kind.RECORD_ERASED,
        Entry.Outcome.OK,
        who=who,
        detail={
            "entries": chain.ranges(entry.pk for entry in todo),
            "count": len(todo),
            "erased": [*groups],
            "reason": reason,
        },
    )
    for entry in todo:
        _empty(entry, groups, by=said.pk)
    return len(todo)


def _has_left(entry: Entry, groups: Iterable[str]) -> bool:
    """Whether there is anything to erase; in the second form also that there is nothing to it."""
    if entry.salt:
        return True
    if _is_old(entry):
        there = (getattr(entry, name) not in (None, "") for name in _columns(entry, groups))
        return "person" in groups or any(there)
    proofs = chain.proofs(entry.salt, entry.erased)
    return any("salt" in proofs[group] for group in groups)


def _columns(entry: Entry, groups: Iterable[str]) -> list[str]:
    """In the first form, other columns than contents stand in the digest as they are."""
    names = [name for group in groups for name in chain.GROUPS[group]]
    return [name for name in names if name in chain.CONTENT_COLUMNS or not _is_old(entry)]


def _empty(entry: Entry, groups: Sequence[str], *, by: int) -> None:
    columns = {name: getattr(entry, name) for name in Entry.columns()}
    names = _columns(entry, groups)
    of_its_form = _left_of_old if _is_old(entry) else _left
    left = of_its_form(entry, columns, groups)
    for name in names:
        setattr(entry, name, _EMPTY[name])
    entry.salt, entry.erased = "", {**left, "entry": by}
    update(entry, (*names, "salt", "erased"))


def _is_old(entry: Entry) -> bool:
    return not entry.salt and (entry.erased is None or "digests" in entry.erased)


def _left(entry: Entry, columns: Mapping[str, object], groups: Sequence[str]) -> dict[str, Any]:
    proofs = dict(chain.proofs(entry.salt, entry.erased))
    for group in groups:
        if "salt" in proofs[group]:
            own = {name: columns[name] for name in chain.GROUPS[group]}
            there = {name: value for name, value in own.items() if value not in (None, "")}
            proofs[group] = {"digest": chain.group_digest(there, proofs[group]["salt"])}
    return {"groups": proofs}


def _left_of_old(
    entry: Entry, columns: Mapping[str, object], groups: Sequence[str]
) -> dict[str, Any]:
    if "person" in groups:
        raise OldFormError(
            f"Entry {entry.pk} was written before persons could be erased: only its contents can."
        )
    contents = chain.covered({name: columns[name] for name in chain.CONTENT_COLUMNS})
    return {"digests": {**(entry.erased or {"digests": {}})["digests"], **contents}}
