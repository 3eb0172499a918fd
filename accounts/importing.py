"""People and rules as files describe them → rows. No YAML and no lines; the caller's transaction.

What a file governs it governs wholly: a person's fields, a team's, the rules. People, roles and
teams that it does not name are left alone; `prune` disables people. Only rules are ever deleted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import Model, Q

from accounts.models import ProvisioningRule, Role, Rule, Team, UsageLimit, User

# Rules that stand in users.yaml, and those that stand with a server; all others are the policy's.
_PEOPLE_KINDS = (Rule.Kind.DEFAULT_USER,)
EVERY_RULE = Q()


class NobodyLeft(Exception):
    """Pruning would leave no active super admin, and so nobody who could put it right."""


@dataclass(frozen=True)
class RoleSpec:
    """A role and the columns to set, or its `usage_limit`; the others keep what they have."""

    name: str
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TeamSpec:
    """A team, whole."""

    key: str
    name: str = ""
    description: str = ""
    slack_channel: str = ""
    notify_on_errors: bool = False
    default_role: str = ""


@dataclass(frozen=True)
class PersonSpec:
    """A person, whole, but for standing and password: those are not a file's to say."""

    email: str
    name: str = ""
    description: str = ""
    role: str = ""
    teams: tuple[str, ...] = ()
    slack_user_id: str = ""
    # None leaves what the person has: a file may know the user and not the workspace.
    slack_team_id: str | None = None
    allowed_mcps: Any = None
    allowed_domains: Any = None
    allowed_databases: Any = None
    super_admin: bool = False
    # The columns of UsageLimit; None is no limit.
    usage_limit: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ProvisioningSpec:
    """How one kind of newcomer enters; without domain and team, everybody else."""

    email_domain: str = ""
    slack_team: str = ""
    default_role: str = ""
    require_approval: bool = True


@dataclass(frozen=True)
class RuleSpec:
    """One row of `Rule`; see the table there."""

    kind: str
    server: str = ""
    role: str = ""
    name: str = ""
    mode: str = ""
    patterns: tuple[str, ...] = ()
    condition: Mapping[str, Any] = field(default_factory=dict)
    position: int = 0


@dataclass(frozen=True)
class PeopleSpec:
    """All that a people's file says."""

    roles: Sequence[RoleSpec] = ()
    teams: Sequence[TeamSpec] = ()
    people: Sequence[PersonSpec] = ()
    provisioning: Sequence[ProvisioningSpec] = ()
    default_user: RuleSpec | None = None


@dataclass(frozen=True)
class Outcome:
    """What an import changed, in words, and who of the people was not named."""

    changes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def apply_roles(roles: Iterable[RoleSpec]) -> list[str]:
    """Make the roles' columns say what `roles` say; return what changed, in words."""
    return [line for role in roles for line in _apply_role(role)]


def _apply_role(spec: RoleSpec) -> list[str]:
    columns = dict(spec.columns)
    is_limited, limit = "usage_limit" in columns, columns.pop("usage_limit", None)
    changes = _upsert(Role, {"name": spec.name}, columns)
    if is_limited:
        changes += _limit({"role": Role.objects.get(name=spec.name)}, limit, shown=spec.name)
    return changes


def apply_people(spec: PeopleSpec, *, prune: bool = False) -> Outcome:
    """Make roles, teams, people and how newcomers enter say what the file says.

    Raises NobodyLeft when pruning would lock everybody out.
    """
    changes = apply_roles(spec.roles)
    roles = {role.name: role for role in Role.objects.all()}
    for team in spec.teams:
        columns = asdict(team) | {"default_role": roles.get(team.default_role)}
        changes += _upsert(Team, {"key": columns.pop("key")}, columns)
    _free_slack_ids(spec.people)
    for person in spec.people:
        changes += _apply_person(person, roles)
    changes += replace_rules([spec.default_user] if spec.default_user else [], _of_people())
    changes += _replace_provisioning(spec.provisioning, roles)
    others = User.objects.exclude(email__in=[person.email for person in spec.people])
    if prune:
        changes += _disable(others.filter(is_active=True))
    return Outcome(tuple(changes), tuple(others.values_list("email", flat=True)))


def apply_policy(rules: Sequence[RuleSpec], *, servers: Iterable[str]) -> list[str]:
    """Make the policy say what `rules` say, of everything and of these `servers`.

    Rules that stand with other servers are left alone.
    """
    own = Q(server__in=["", *servers]) & ~_of_people()
    return replace_rules(rules, own)


def _of_people() -> Q:
    return Q(kind__in=_PEOPLE_KINDS)


def _disable(people: Iterable[User]) -> list[str]:
    changes = []
    for person in people:
        person.is_active = False
        person.save(update_fields=["is_active"])
        changes.append(f"person {person.email}: disabled, since the file does not name them")
    if changes and not User.objects.filter(is_superuser=True, is_active=True).exists():
        raise NobodyLeft("nobody who may administer would be left")
    return changes


def _upsert(
    model: type[Model], key: Mapping[str, Any], columns: Mapping[str, Any], *, shown: str = ""
) -> list[str]:
    """Make one row have these columns; say what that changed."""
    name = f"{model._meta.verbose_name} {shown or ' '.join(map(str, key.values()))}"
    row = model._default_manager.filter(**key).first()
    if row is None:
        model._default_manager.create(**key, **columns)
        return [f"{name}: added{_given(columns)}"]
    changed = {
        column: (getattr(row, column), value)
        for column, value in columns.items()
        if getattr(row, column) != value
    }
    for column, (_old, new) in changed.items():
        setattr(row, column, new)
    if changed:
        row.save(update_fields=list(changed))
    return [
        f"{name}: {column} {_said(old)} → {_said(new)}" for column, (old, new) in changed.items()
    ]


def _given(columns: Mapping[str, Any]) -> str:
    """What a new row says beyond the nothing that rows say by default."""
    said = ", ".join(f"{column} {_said(value)}" for column, value in columns.items() if value)
    return f" ({said})" if said else ""


def _said(value: Any) -> str:
    """A value in a line of the difference; a row by its name."""
    if isinstance(value, Role):
        return value.name
    return "nothing" if value is None else repr(value)


def _apply_person(spec: PersonSpec, roles: Mapping[str, Role]) -> list[str]:
    columns = asdict(spec) | {"role": roles.get(spec.role)}
    teams, limit = set(columns.pop("teams")), columns.pop("usage_limit")
    email, super_admin = columns.pop("email"), columns.pop("super_admin")
    if spec.slack_team_id is None:
        del columns["slack_team_id"]
    user = User.objects.filter(email=email).first()
    if user is None:
        columns |= {"is_superuser": super_admin, "is_staff": super_admin}
        user = User.objects.create_user(email, **columns)
        changes = [f"person {email}: added{_given(columns)}"]
    else:
        if user.is_superuser != super_admin:
            columns |= {"is_superuser": super_admin, "is_staff": super_admin}
        changes = _upsert(User, {"email": email}, columns)
    return changes + _join(user, teams) + _limit({"user": user}, limit, shown=email)


def _free_slack_ids(people: Iterable[PersonSpec]) -> None:
    """Take Slack users from whoever has them now, so that two people may change places."""
    for spec in people:
        if spec.slack_user_id:
            holders = User.objects.filter(slack_user_id=spec.slack_user_id)
            holders.exclude(email=spec.email).update(slack_user_id="")


def _join(user: User, teams: set[str]) -> list[str]:
    before = set(user.teams.values_list("key", flat=True))
    if before == teams:
        return []
    user.teams.set(Team.objects.filter(key__in=teams))
    joined, left = sorted(teams - before), sorted(before - teams)
    return [f"person {user.email}: joins {team}" for team in joined] + [
        f"person {user.email}: leaves {team}" for team in left
    ]


def _limit(of: Mapping[str, Model], columns: Mapping[str, Any] | None, *, shown: str) -> list[str]:
    if columns is not None:
        return _upsert(UsageLimit, of, columns, shown=shown)
    deleted, _ = UsageLimit.objects.filter(**of).delete()
    return [f"usage limit {shown}: removed"] if deleted else []


def replace_rules(specs: Sequence[RuleSpec], of: Q = EVERY_RULE) -> list[str]:
    """Make the rules that `of` selects be `specs`; rows that stay the same keep their id."""
    wanted = {_place(spec): spec for spec in specs}
    changes = []
    for rule in Rule.objects.filter(of):
        spec = wanted.pop(_place(rule), None)
        if spec is None:
            rule.delete()
            changes.append(f"policy, {rule}: removed{_shown(rule)}")
        elif _content(rule) != _content(spec):
            changes.append(f"policy, {rule}: {_content(rule)} → {_content(spec)}")
            rule.patterns, rule.condition = list(spec.patterns), dict(spec.condition)
            rule.save(update_fields=["patterns", "condition"])
    for spec in wanted.values():
        columns = asdict(spec) | {
            "patterns": list(spec.patterns),
            "condition": dict(spec.condition),
        }
        rule = Rule.objects.create(**columns)
        changes.append(f"policy, {rule}: added{_shown(rule)}")
    return changes


def _place(rule: Rule | RuleSpec) -> tuple[str, str, str, str, str, int]:
    return rule.kind, rule.server, rule.role, rule.name, rule.mode, rule.position


def _content(rule: Rule | RuleSpec) -> str:
    patterns = ", ".join(rule.patterns)
    conditions = ", ".join(f"{key}: {value!r}" for key, value in sorted(rule.condition.items()))
    return "; ".join(part for part in (patterns, conditions) if part) or "nothing"


def _shown(rule: Rule) -> str:
    return f" ({_content(rule)})" if rule.patterns or rule.condition else ""


def _replace_provisioning(
    specs: Sequence[ProvisioningSpec], roles: Mapping[str, Role]
) -> list[str]:
    wanted = {(spec.email_domain, spec.slack_team): spec for spec in specs}
    changes = []
    for rule in ProvisioningRule.objects.all():
        if (rule.email_domain, rule.slack_team) not in wanted:
            rule.delete()
            changes.append(f"provisioning rule {rule}: removed")
    for (domain, team), spec in wanted.items():
        columns = {
            "default_role": roles.get(spec.default_role),
            "require_approval": spec.require_approval,
        }
        shown = domain or team or "everybody else"
        key = {"email_domain": domain, "slack_team": team}
        changes += _upsert(ProvisioningRule, key, columns, shown=shown)
    return changes
