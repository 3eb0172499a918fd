"""One question to the policy, with what several layers need to know worked out once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from accounts.policy.model import Grant, Subject, Target
from accounts.policy.patterns import Patterns
from accounts.policy.rules import ADMIN, ArgumentRule, Policy, RoleRules

_NOTHING = Patterns((), {})


@dataclass(frozen=True, slots=True)
class Case:
    """May this subject call this target with these arguments (None: not known yet), now?

    Layers learn of the tool's name through `fitting` and `argument_rules` alone, and of its other
    properties through `target`: what `listing` relies on.
    """

    policy: Policy
    subject: Subject
    target: Target
    arguments: Mapping[str, Any] | None
    roles: tuple[RoleRules, ...]
    grants: tuple[Grant, ...]

    @classmethod
    def of(
        cls,
        policy: Policy,
        subject: Subject,
        *,
        target: Target,
        arguments: Mapping[str, Any] | None,
        now: datetime,
    ) -> Self:
        """Work out the roles that count and the grants that still hold."""
        grants = tuple(
            grant for grant in subject.grants if grant.server == target.server and grant.holds(now)
        )
        return cls(policy, subject, target, arguments, _roles(policy, subject), grants)

    @property
    def admin(self) -> bool:
        """Whether every role of the person is `admin`."""
        return bool(self.roles) and all(role.name == ADMIN for role in self.roles)

    @property
    def bypasses(self) -> bool:
        """A super admin, or a person whose every role may bypass restrictions."""
        return self.subject.super_admin or self.all_roles("bypasses")

    @property
    def all_databases(self) -> bool:
        return self.subject.super_admin or self.all_roles("all_databases")

    @property
    def role_names(self) -> str:
        return " and ".join(role.name for role in self.roles)

    def all_roles(self, permission: str) -> bool:
        """Whether there is a role, and each has the permission: of several the strictest counts."""
        return bool(self.roles) and all(getattr(role, permission) for role in self.roles)

    @property
    def allowed_mcps(self) -> Any:
        """The person's reach, or the default user's where the person has none of their own."""
        own = self.subject.allowed_mcps
        return self.policy.default_user.allowed_mcps if own is None else own

    @property
    def reach_name(self) -> str:
        """What an administrator calls the value that `allowed_mcps` came from."""
        if self.subject.allowed_mcps is None:
            return "default_user.allowed_mcps"
        return f"allowed_mcps of {self.subject.person}"

    def attribute(self, name: str) -> Any:
        """The person's attribute, or the default user's; nothing at all allows nothing."""
        own = self.subject.attributes.get(name)
        found = self.policy.default_user.attributes.get(name) if own is None else own
        return () if found is None else found

    def fitting(self, patterns: Patterns) -> str | None:
        """The first of the patterns that fits the tool."""
        return patterns.first(self.target.server, self.target.tool)

    @property
    def argument_rules(self) -> tuple[ArgumentRule, ...]:
        """The argument rules of the tool."""
        return self.policy.argument_rules_for(self.target.server, self.target.tool)


def _roles(policy: Policy, subject: Subject) -> tuple[RoleRules, ...]:
    """The person's role, else their teams' default roles, else the default user's."""
    if subject.role:
        names = [subject.role]
    else:
        names = [policy.team_roles[team] for team in subject.teams if team in policy.team_roles]
        if not names and policy.default_user.role:
            names = [policy.default_user.role]
    return tuple(policy.roles.get(name) or _unknown(name) for name in dict.fromkeys(names))


def _unknown(name: str) -> RoleRules:
    """A role the document does not describe: what servers say about it holds, and nothing else."""
    return RoleRules(name, False, False, False, _NOTHING, {}, _NOTHING)
