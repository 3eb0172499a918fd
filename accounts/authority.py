"""Who may administer what, whichever door they come through: the admin, REST or a command.

Rights come from the role's flags; a super admin has them all. Beyond the right to do a thing at
all: nobody raises themselves, nobody hands out or touches what is above them, and the house never
loses its last super admin.

A role is *above* somebody when it can do what theirs cannot: a flag they lack, or being the role
`admin`, which the policy treats apart. Which tools a role may call is not compared: whoever decides
on people need not be able to do their work.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.errors import Conflict, NotAllowed
from accounts.models import Role, Rule, Team, UsageLimit, User
from accounts.models.rules import default_roles
from accounts.policy.rules import ADMIN

FLAGS = tuple(field.name for field in Role._meta.fields if field.name.startswith("can_"))


class Right(StrEnum):
    """What an administrator may do; each is the flag of a role."""

    MANAGE_USERS = "can_manage_users"
    PROMOTE_USERS = "can_promote_users"
    MODIFY_CONFIG = "can_modify_config"
    VIEW_AUDIT_LOGS = "can_view_audit_logs"
    APPROVE_CALLS = "can_approve_calls"


# Either lets one see what the policy says about other people.
SEES_OTHERS = (Right.VIEW_AUDIT_LOGS, Right.MANAGE_USERS)
_WORDS = {
    Right.MANAGE_USERS: "manage people",
    Right.PROMOTE_USERS: "change roles and teams of people",
    Right.MODIFY_CONFIG: "change the configuration",
    Right.VIEW_AUDIT_LOGS: "read the record",
    Right.APPROVE_CALLS: "decide on other people's calls",
}


# --- Rights ---------------------------------------------------------------------------------------
def has(user: User, right: Right) -> bool:
    """Whether this person may do that now: as super admin, or by every role that counts for them.

    Nobody may anything who is suspended, inactive or not yet approved.
    """
    return user.may_act() and right.value in powers_of(user)


def administers(user: User) -> bool:
    """Whether there is anything for this person to administer: the admin lets them in."""
    return user.may_act() and (user.is_staff or any(has(user, right) for right in Right))


def require(user: User, right: Right) -> None:
    """Raises NotAllowed for whoever lacks the right."""
    if not has(user, right):
        raise NotAllowed(f"To {_WORDS[right]}, your role needs {right.value}.")


def has_any(user: User, *rights: Right) -> bool:
    """Whether this person has one of these rights now."""
    return any(has(user, right) for right in rights)


def require_any(user: User, *rights: Right) -> None:
    """Raises NotAllowed for whoever has none of these rights."""
    if not has_any(user, *rights):
        raise NotAllowed(f"For this, your role needs {' or '.join(rights)}.")


def powers_of(user: User) -> frozenset[str]:
    """What this person can do beyond anybody: of several roles the strictest counts."""
    if user.is_superuser:
        return frozenset((*FLAGS, ADMIN))
    each = [powers(role) for role in user.roles()]
    return frozenset.intersection(*each) if each else frozenset()


def powers(role: Role) -> frozenset[str]:
    """What having this role lets one do beyond anybody: its flags, and being `admin`."""
    flags = {name for name in FLAGS if getattr(role, name)}
    return frozenset(flags | ({ADMIN} if role.name == ADMIN else set()))


# --- Above ----------------------------------------------------------------------------------------
def may_hand_out(user: User, role: Role | None) -> bool:
    """Whether the role is not above this person; no role at all never is."""
    return user.is_superuser or role is None or powers(role) <= powers_of(user)


def require_hand_out(user: User, role: Role | None, *, field: str = "role") -> None:
    """Raises NotAllowed, naming what the person lacks, for a role that is above them."""
    if role is not None and not may_hand_out(user, role):
        missing = ", ".join(sorted(powers(role) - powers_of(user)))
        raise NotAllowed(f"The role {role.name} is above yours: {missing}.", field=field)


def require_flags(user: User, role: Role) -> None:
    """Raises NotAllowed, naming the first flag that the role is to have and the person lacks."""
    missing = [] if user.is_superuser else sorted(powers(role) - powers_of(user))
    if missing:
        flag = missing[0]
        said = f"a role called {ADMIN}" if flag == ADMIN else flag
        field = "name" if flag == ADMIN else flag
        raise NotAllowed(
            f"You hand out only what your own role has: {said} is above it.", field=field
        )


def may_administer(user: User, person: User) -> bool:
    """Whether this person is not above the administrator. Being oneself is no exception."""
    return user.is_superuser or not User.objects.filter(_above(user), pk=person.pk).exists()


def require_over(user: User, person: User) -> None:
    """Raises NotAllowed for oneself and for whoever is above the administrator."""
    if person.pk == user.pk:
        raise NotAllowed("Nobody does this to themselves.")
    if not may_administer(user, person):
        raise NotAllowed(f"{person.email} may do what you may not; only a super admin may do this.")


def holds(user: User, role: str) -> bool:
    """Whether the person has this role: of their own, by a team, or as everybody's."""
    by_team = user.teams.filter(default_role__name=role).exists()
    return by_team or any(one.name == role for one in user.roles())


def may_change_role(user: User, role: Role) -> bool:
    """Whether this person may rewrite the role: not their own, and none above them."""
    if user.is_superuser:
        return True
    return not holds(user, role.name) and may_hand_out(user, role)


def require_role(user: User, role: Role, *, field: str = "") -> None:
    """Raises NotAllowed for one's own role, and for one that is above."""
    if not may_change_role(user, role):
        raise NotAllowed(f"The role {role.name} is your own, or above yours.", field=field)


def may_change_team(user: User, team: Team) -> bool:
    """Whether this person may rewrite the team: not their own, and none whose role is above."""
    if user.is_superuser:
        return True
    is_in_it = team.pk is not None and team.members.filter(pk=user.pk).exists()
    return not is_in_it and may_hand_out(user, team.default_role)


def require_rule(user: User, rule: Rule) -> None:
    """Raises NotAllowed for a rule on one's own role, and for everybody's role above one's own."""
    if user.is_superuser:
        return
    if rule.role and holds(user, rule.role):
        raise NotAllowed("Nobody makes rules for their own role.", field="role")
    if rule.kind == Rule.Kind.DEFAULT_USER and isinstance(rule.condition, dict):
        named = Role.objects.filter(name=str(rule.condition.get("role", ""))).first()
        require_hand_out(user, named, field="condition.role")


def require_limit(user: User, limit: UsageLimit) -> None:
    """Raises NotAllowed for a limit of oneself or one's own role, and of whoever is above."""
    if user.is_superuser:
        return
    if limit.role is not None:
        require_role(user, limit.role, field="role")
    if limit.user is not None:
        require_over(user, limit.user)


def may_be_given(user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The roles, teams or people that this administrator may hand out or give something to."""
    if user.is_superuser:
        return rows
    if rows.model is Role:
        return rows.exclude(pk__in=_roles_above(user))
    if rows.model is Team:
        return rows.exclude(default_role__in=_roles_above(user))
    if rows.model is User:
        return rows.exclude(pk__in=User.objects.filter(_above(user))).exclude(pk=user.pk)
    return rows


def _roles_above(user: User) -> list[int]:
    own = powers_of(user)
    return [role.pk for role in Role.objects.all() if not powers(role) <= own]


def _above(user: User) -> Q:
    """People who have, or by losing a role or a team could come to have, what the user lacks."""
    roles = _roles_above(user)
    found = Q(is_superuser=True) | Q(is_staff=True)
    found |= Q(role__in=roles) | Q(teams__default_role__in=roles)
    if any(role.pk in roles for role in default_roles()):
        found |= Q(role=None)
    return found


# --- The last super admin -------------------------------------------------------------------------
@contextmanager
def keeping_a_super_admin() -> Iterator[None]:
    """A transaction that fails with Conflict when it would leave no super admin who may act."""
    acting = User.objects.filter(
        is_superuser=True, is_active=True, status=User.Status.ACTIVE
    ).order_by("pk")
    with transaction.atomic():
        # Locked before anything changes: two who demote each other at once take turns.
        before = list(acting.select_for_update().values_list("pk", flat=True))
        yield
        if before and not acting.exists():
            raise Conflict("This is the last super admin; make another one first.")
