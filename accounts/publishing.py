"""A rule, a role or a team changes: on the record and in force at once, or not at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.db.models import Model

from accounts import access, versions
from accounts.errors import BadValue, Conflict
from accounts.models import PolicyVersion, User
from accounts.policy import PolicyError, compile_policy
from audit import changes
from audit.changes import Changed
from audit.record import Who

_Row = TypeVar("_Row", bound=Model)


@contextmanager
def held(row: _Row, *, by: User, require: Callable[[User, _Row], None]) -> Iterator[_Row]:
    """The row as it is now, locked until the block ends; `require` says whether `by` may."""
    with transaction.atomic():
        now = type(row)._default_manager.select_for_update().get(pk=row.pk)
        require(by, now)
        yield now


def save(row: Model, changed: Changed, *, who: Who) -> PolicyVersion:
    """Save the row and put the policy into force; raises PolicyError, and saves nothing."""
    action = "added" if row._state.adding else "changed"
    with transaction.atomic():
        row.save()
        changes.note(row, action, who=who, **changed.detail())
        return versions.put_in_force(who, _said(row, action))


def delete(*rows: Model, who: Who) -> PolicyVersion:
    """Delete the rows and put the policy into force; raises PolicyError, and deletes nothing."""
    with transaction.atomic():
        for row in rows:
            changes.note(row, "deleted", who=who)
        said = "\n".join(_said(row, "deleted") for row in rows)
        for row in rows:
            row.delete()
        return versions.put_in_force(who, said)


def fault_of(change: Callable[[], object]) -> str:
    """What would be wrong with the policy after this change; the change itself is taken back."""
    with transaction.atomic():
        try:
            change()
            compile_policy(access.build_document())
        except PolicyError as error:
            return str(error)
        finally:
            transaction.set_rollback(True)
    return ""


def check(row: Model) -> None:
    """Raises BadValue, naming the field, for what the row's columns cannot hold."""
    try:
        row.full_clean()
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise BadValue(messages[0], field="" if name == NON_FIELD_ERRORS else name) from None


@contextmanager
def naming(field_of: Callable[[PolicyError], str]) -> Iterator[None]:
    """What makes no policy is a BadValue; `field_of` says which field of the row it is."""
    try:
        yield
    except PolicyError as error:
        raise BadValue(_whole(error), field=field_of(error)) from None


@contextmanager
def needed() -> Iterator[None]:
    """What the policy cannot do without is a Conflict for whoever deletes it."""
    try:
        yield
    except PolicyError as error:
        raise Conflict(_whole(error)) from None


def _whole(error: PolicyError) -> str:
    return f"The policy would not hold together: {error}"


def _said(row: Model, action: str) -> str:
    return f"{row._meta.verbose_name} {row}: {action}"
