"""Who may administer whom.

Django's permissions say who may change people, roles and rules at all. Beyond them: nobody raises
themselves, and only a super admin touches what is privileged (super admins, staff, and whoever
bypasses the policy), for whoever could would be one.
"""

from typing import Any, cast

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.models import Role, Team, User


def administrator(request: HttpRequest) -> User:
    """Who is at the admin; its site lets nobody else in."""
    return cast(User, request.user)


def is_super(request: HttpRequest) -> bool:
    return administrator(request).is_superuser


def is_self(request: HttpRequest, person: User | None) -> bool:
    return person is not None and person.pk == request.user.pk


def is_privileged(person: User) -> bool:
    """Whether being this person, or becoming them, is more than being anybody."""
    role = person.role
    bypasses = role is not None and role.can_bypass_tool_restrictions
    return (
        person.is_superuser
        or person.is_staff
        or bypasses
        or person.teams.filter(default_role__can_bypass_tool_restrictions=True).exists()
    )


def may_administer(request: HttpRequest, person: User) -> bool:
    """Whether this administrator may act on this person, permissions aside."""
    return is_super(request) or is_self(request, person) or not is_privileged(person)


def holds(request: HttpRequest, role: str) -> bool:
    """Whether the administrator has this role, of their own or by a team."""
    person = administrator(request)
    own = person.role is not None and person.role.name == role
    return own or person.teams.filter(default_role__name=role).exists()


def may_be_given(request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The roles, teams or people that this administrator may hand out or give something to."""
    if is_super(request):
        return rows
    if rows.model is Role:
        return rows.filter(can_bypass_tool_restrictions=False)
    if rows.model is Team:
        return rows.exclude(default_role__can_bypass_tool_restrictions=True)
    if rows.model is User:
        privileged = (
            Q(is_superuser=True)
            | Q(is_staff=True)
            | Q(role__can_bypass_tool_restrictions=True)
            | Q(teams__default_role__can_bypass_tool_restrictions=True)
        )
        return rows.exclude(pk__in=User.objects.filter(privileged)).exclude(pk=request.user.pk)
    return rows
