"""The policy compiled: immutable rules, each with the words an administrator knows it by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.policy.model import Target
from accounts.policy.patterns import Glob, Patterns

ADMIN = "admin"
DATABASES = "allowed_databases"
# What the first version knew as the name of a database, unless the policy names other arguments.
DATABASE_ARGUMENTS = ("database", "database_name", "db", "db_name", "schema", "preset")
_MEMO_SIZE = 20_000


@dataclass(frozen=True, slots=True)
class Exposure:
    """A server's `tool_policy`."""

    mode: str
    patterns: Patterns


@dataclass(frozen=True, slots=True)
class Restriction:
    """What one role may do on one server; None is: nothing said."""

    allow_all: bool
    deny_all: bool
    allow_only: Patterns | None
    deny: Patterns | None
    allow_all_except: Patterns | None


@dataclass(frozen=True, slots=True)
class ServerRules:
    """Everything the policy says about one server."""

    exposure: Exposure | None
    restrictions: Mapping[str, Restriction]
    confirm_destructive: bool


@dataclass(frozen=True, slots=True)
class RoleRules:
    """Everything a role says about itself."""

    name: str
    bypasses: bool
    dangerous: bool
    all_databases: bool
    denied: Patterns
    allowed_on: Mapping[str, Patterns]
    allowed: Patterns


# Compared by identity: each is made once for a policy, and its many parts are dear to hash.
@dataclass(frozen=True, slots=True, eq=False)
class ArgumentRule:
    """What one argument of some tools must be. With `asks`, a person may still say yes."""

    label: str
    tools: Patterns
    path: tuple[str, ...]
    allow: tuple[Glob, ...] | None = None
    deny: tuple[Glob, ...] | None = None
    attribute: str = ""
    minimum: float | None = None
    maximum: float | None = None
    required: bool = False
    asks: bool = False

    @property
    def argument(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class DefaultUser:
    """What holds for whatever a person has no value of their own for."""

    role: str | None
    allowed_mcps: Any
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Policy:
    """All rules of one version. `digest` names the document they were compiled from."""

    digest: str
    default_allows: bool
    blocked: Patterns
    dangerous: Patterns
    admin_only: Patterns
    servers: Mapping[str, ServerRules]
    roles: Mapping[str, RoleRules]
    team_roles: Mapping[str, str]
    default_user: DefaultUser
    argument_rules: tuple[ArgumentRule, ...]
    database_rules: tuple[ArgumentRule, ...]
    confirmed: Patterns
    groups: Mapping[str, tuple[str, ...]]
    # Both only remember what was worked out before; a decision never depends on them.
    _patterns: dict[tuple[str, ...], Patterns] = field(
        default_factory=dict, repr=False, compare=False
    )
    _arguments: dict[tuple[str, str], tuple[ArgumentRule, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def patterns(self, texts: Iterable[str]) -> Patterns:
        """Patterns from outside the document (a person's, a grant's), with this policy's groups."""
        key = tuple(texts)
        found = self._patterns.get(key)
        if found is None:
            found = Patterns(key, self.groups)
            _remember(self._patterns, key, found)
        return found

    def argument_rules_for(self, server: str, tool: str) -> tuple[ArgumentRule, ...]:
        """The rules of a tool; those for databases stand in where the document names none."""
        key = (server, tool)
        found = self._arguments.get(key)
        if found is None:
            found = tuple(rule for rule in self.argument_rules if rule.tools.first(server, tool))
            if not any(rule.attribute == DATABASES for rule in found):
                found += self.database_rules
            _remember(self._arguments, key, found)
        return found


def _remember(memo: dict[Any, Any], key: object, value: object) -> None:
    if len(memo) >= _MEMO_SIZE:
        memo.clear()
    memo[key] = value


def in_group(policy: Policy, group: str, target: Target) -> bool:
    """Whether a named group covers this tool; a group the policy does not have covers nothing."""
    if group not in policy.groups:
        return False
    return policy.patterns((f"@{group}",)).first(target.server, target.tool) is not None
