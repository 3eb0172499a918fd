"""Usage limits: set, changed, lifted. Nobody does it to themselves, or to whoever is above them."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts import authority, publishing
from accounts.errors import Conflict
from accounts.models import UsageLimit, User
from audit import changes
from audit.changes import Changed
from audit.record import Who

# What the record says with its values.
TOLD = ("user", "role", "period_days", "max_requests", "max_tokens", "max_cost")


def create(values: Mapping[str, Any], *, by: User, who: Who) -> UsageLimit:
    """Limit a person, or each person of a role; Conflict where there is a limit already."""
    limit = UsageLimit()
    for name in ("user", "role"):
        one = values.get(name)
        if one is not None and UsageLimit.objects.filter(**{name: one}).exists():
            raise Conflict(f"{one} has a usage limit already: change that one.")
    return _save(limit, changes.apply(limit, values, told=TOLD), by=by, who=who)


def change(limit: UsageLimit, values: Mapping[str, Any], *, by: User, who: Who) -> UsageLimit:
    """Give the limit these values. What was used counts on, so it stays whose it is."""
    with publishing.held(limit, by=by, require=authority.require_limit) as row:
        changed = changes.apply(row, values, told=TOLD)
        return _save(row, changed, by=by, who=who)


def delete(limit: UsageLimit, *, by: User, who: Who) -> None:
    """Lift the limit; what was used of it is forgotten."""
    with publishing.held(limit, by=by, require=authority.require_limit) as row:
        changes.note(row, "deleted", who=who)
        row.delete()


def _save(limit: UsageLimit, changed: Changed, *, by: User, who: Who) -> UsageLimit:
    publishing.check(limit)
    authority.require_limit(by, limit)
    is_new = limit._state.adding
    if changed or is_new:
        with transaction.atomic():
            limit.save()
            changes.note(limit, "added" if is_new else "changed", who=who, **changed.detail())
    return limit
