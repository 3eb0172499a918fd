"""What a change to a row is on the record: which fields, and the values of those that may be told.

Every door that changes rows says it in this one shape. A value stands there only for a field that
the caller lists, so that no secret gets in by being added.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet

from audit import record
from audit.models import Entry
from audit.record import Who


@dataclass(frozen=True)
class Changed:
    """The fields that changed, and [before, after] of some of them."""

    fields: tuple[str, ...] = ()
    values: Mapping[str, list[Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.fields)

    def detail(self) -> dict[str, Any]:
        """The part of an entry's detail."""
        said: dict[str, Any] = {"fields": list(self.fields)}
        return said | ({"values": dict(self.values)} if self.values else {})


def apply(row: Model, wanted: Mapping[str, Any], *, told: Collection[str]) -> Changed:
    """Give the row these values, not yet saved; what that changes."""
    before = {name: getattr(row, name) for name in wanted}
    for name, value in wanted.items():
        setattr(row, name, value)
    names = [name for name, value in wanted.items() if before[name] != value]
    values = {name: [plain(before[name]), plain(wanted[name])] for name in names if name in told}
    return Changed(tuple(names), values)


def note(
    row: Model,
    action: str,
    *,
    who: Who,
    kind: Entry.Kind = Entry.Kind.ADMIN_CHANGED,
    facts: Mapping[str, Any] | None = None,
    **detail: Any,
) -> None:
    """Record one thing done to one row; `facts` are columns of the entry that the row fills."""
    named = {"model": row._meta.label_lower, "id": str(row.pk), "name": str(row)}
    columns: dict[str, Any] = dict(facts or {})
    record.write(
        kind, Entry.Outcome.OK, who=who, detail={"action": action, **named, **detail}, **columns
    )


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple) and not any(isinstance(one, Model) for one in value):
        return [plain(one) for one in value]
    if isinstance(value, QuerySet | list | tuple | set):
        return sorted(str(one) for one in value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)
