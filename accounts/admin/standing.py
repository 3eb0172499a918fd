"""Who is at the admin, and `accounts.authority` asked about them."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import authority
from accounts.errors import NotAllowed
from accounts.models import User

_Row = TypeVar("_Row")


def administrator(request: HttpRequest) -> User:
    """Who is at the admin; its site lets nobody else in."""
    return cast(User, request.user)


def is_super(request: HttpRequest) -> bool:
    return administrator(request).is_superuser


def is_self(request: HttpRequest, person: User | None) -> bool:
    return person is not None and person.pk == request.user.pk


def may_administer(request: HttpRequest, person: User) -> bool:
    """Whether this administrator may act on this person, permissions aside."""
    return is_self(request, person) or authority.may_administer(administrator(request), person)


def may_have(request: HttpRequest, row: _Row | None, require: Callable[[User, _Row], None]) -> bool:
    """Whether `require` lets this administrator have the row, permissions aside; any for none."""
    try:
        if row is not None:
            require(administrator(request), row)
    except NotAllowed:
        return False
    return True


def may_be_given(request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The roles, teams or people that this administrator may hand out or give something to."""
    return authority.may_be_given(administrator(request), rows)
