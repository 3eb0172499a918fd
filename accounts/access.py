"""From rows to a decision: the policy in force, and one person as it sees them.

Whoever changes a rule, a role or a team calls `publish` in the same transaction; until then nothing
changes. What is read here is kept for as long as the database says that nothing of it has changed
(`audit.stamps`), so a new version, a role taken away or a key revoked is in force at the very next
call in every process.
"""

import copy
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from django.db import DatabaseError, transaction

from accounts.errors import PolicyUnavailable
from accounts.models import ApiKey, PolicyVersion, Role, Rule, Team, User
from accounts.models.keys import digest
from accounts.policy import Grant, Policy, PolicyError, Subject, compile_policy, digest_of
from audit.stamps import Kept

Document = dict[str, Any]

KEPT_VERSIONS = 8
ATTRIBUTES = ("allowed_databases", "allowed_domains")
_ROLE_FIELDS = (
    "can_bypass_tool_restrictions",
    "can_execute_dangerous_tools",
    "can_access_all_databases",
    "denied_tools",
    "allowed_mcp_tools",
    "allowed_tool_patterns",
)
_EXPOSED_BY = {"allow_all_except": "exclude", "allow_only": "allow"}

_compiled: dict[str, Policy] = {}
_lock = threading.Lock()
_kept = Kept("accounts")


def build_document() -> Document:
    """The policy's document as the rows of rules, roles and teams say it now."""
    rules: dict[str, list[Rule]] = {kind.value: [] for kind in Rule.Kind}
    for rule in Rule.objects.order_by("kind", "position", "id"):
        rules.setdefault(rule.kind, []).append(rule)
    teams = Team.objects.exclude(default_role=None).select_related("default_role")
    return {
        "default_effect": _default_effect(rules[Rule.Kind.DEFAULT_EFFECT]),
        "blocked_tools": _patterns(rules[Rule.Kind.BLOCKED]),
        "admin_only_tools": _patterns(rules[Rule.Kind.ADMIN_ONLY]),
        "groups": _groups(rules[Rule.Kind.GROUP]),
        "servers": _servers(rules),
        "roles": {
            role.name: {key: getattr(role, key) for key in _ROLE_FIELDS} for role in _all_roles()
        },
        "teams": {team.key: {"default_role": _role_name(team.default_role)} for team in teams},
        "default_user": _default_user(rules[Rule.Kind.DEFAULT_USER]),
        "argument_rules": [_argument_rule(rule) for rule in rules[Rule.Kind.ARGUMENT]],
        "require_confirmation": {"enabled": True, "actions": _actions(rules[Rule.Kind.CONFIRM])},
    }


def publish(author: str, difference: str = "") -> PolicyVersion:
    """Put the rows into force and return their version: a new one only when something changed.

    Raises PolicyError, and changes nothing, when the rows do not make a policy.
    """
    with transaction.atomic():
        # Two who publish at once take turns, so that the newest version holds the changes of both.
        PolicyVersion.objects.select_for_update().order_by("-id").first()
        document = build_document()
        policy = compile_policy(document)
        newest = PolicyVersion.objects.order_by("-id").first()
        if newest is not None and newest.digest == policy.digest:
            return newest
        return PolicyVersion.objects.create(
            digest=policy.digest, document=document, author=author, difference=difference
        )


def current() -> tuple[Policy, str]:
    """The policy in force and its version's digest.

    A house without a single rule has the policy that denies. Raises PolicyUnavailable when there
    are rules and no version of them, or a version that cannot be read: then nobody may do anything.
    """
    try:
        policy = _kept.get("policy", _newest)
    except (DatabaseError, PolicyError) as error:
        raise PolicyUnavailable(
            "The policy cannot be read; nothing is allowed meanwhile."
        ) from error
    return policy, policy.digest


def _newest() -> Policy:
    digest = PolicyVersion.objects.order_by("-id").values_list("digest", flat=True).first()
    return _first_policy() if digest is None else _compiled.get(digest) or _load(digest)


def key_of(prefix: str) -> ApiKey | None:
    """The API key of this prefix with its person and their role, as the rows are now.

    Shared by all threads: nobody changes it. Whether it still may be used is asked anew each time.
    """
    return _kept.get(("key", prefix), lambda: stored_key(prefix))


def proven_key(prefix: str, secret: str) -> ApiKey | None:
    """The same, if `secret` is its secret. A wrong one takes as long as a wrong prefix."""
    return _kept.get(("proven", prefix, digest(secret)), lambda: _prove(prefix, secret))


def _prove(prefix: str, secret: str) -> ApiKey | None:
    key = stored_key(prefix)
    return key if key is not None and key.matches(secret) else None


def stored_key(prefix: str) -> ApiKey | None:
    """The API key of this prefix, read from its row."""
    return ApiKey.objects.select_related("user__role").filter(prefix=prefix).first()


def person_of(key: ApiKey) -> User:
    """The key's person, as an object of the caller's own."""
    return copy.copy(key.user)


def subject_now(user: User, *, key: str, only_servers: frozenset[str] | None) -> Subject:
    """The person as the policy sees them now, whatever has become of their rights since.

    `key` is the prefix of the API key they came with: a key that may no longer be used reaches
    nothing. Without one, `only_servers` narrows them. Raises User.DoesNotExist.
    """
    if key:
        found = key_of(key)
        usable = found is not None and found.user_id == user.pk and found.usable()
        only_servers = _reach_of(found) if found is not None and usable else frozenset()
    place = ("subject", user.pk, only_servers)
    return _kept.get(place, lambda: subject_of(_read_person(user.pk), only_servers))


def _reach_of(key: ApiKey) -> frozenset[str] | None:
    return frozenset(key.servers) if key.servers else None


def _read_person(pk: int) -> User:
    return User.objects.select_related("role").get(pk=pk)


def subject_of(user: User, only_servers: frozenset[str] | None = None) -> Subject:
    """The person as the policy sees them: `user` as it was read, teams and grants read now.

    Grants stand there with their end: whether one has ended by now the policy says.
    """
    grants = user.grants.unexpired().values_list("server", "tools", "expires_at")
    return Subject(
        person=user.email,
        role=user.role.name if user.role else None,
        teams=tuple(user.teams.order_by("key").values_list("key", flat=True)),
        super_admin=user.is_superuser,
        status=user.standing(),
        allowed_mcps=user.allowed_mcps,
        grants=tuple(Grant(server, _texts(tools), until) for server, tools, until in grants),
        attributes=_attributes(user),
        only_servers=only_servers,
    )


def somebody_of(role: str) -> Subject:
    """Somebody of this role who reaches every server and has nothing of their own."""
    return Subject(person="", role=role, allowed_mcps="*")


def _attributes(user: User) -> Mapping[str, Literal["*"] | tuple[str, ...]]:
    own = ((name, getattr(user, name)) for name in ATTRIBUTES)
    return {
        name: "*" if value == "*" else _texts(value) for name, value in own if value is not None
    }


def _texts(value: object) -> tuple[str, ...]:
    """A list of texts as it should be stored; anything else counts as an empty one."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return ()
    return tuple(value)


def _first_policy() -> Policy:
    if Rule.objects.exists():
        raise PolicyError("policy", "there are rules, but no version of them was ever published")
    document: Document = {"default_effect": "deny"}
    return _compiled.get(digest_of(document)) or _keep(compile_policy(document))


def _load(digest: str) -> Policy:
    version = PolicyVersion.objects.filter(digest=digest).order_by("-id").first()
    policy = compile_policy(version.document if version else {})
    if policy.digest != digest:
        raise PolicyError("policy", "the stored document is not the one its digest names")
    return _keep(policy)


def _keep(policy: Policy) -> Policy:
    with _lock:
        while len(_compiled) >= KEPT_VERSIONS:
            _compiled.pop(next(iter(_compiled)))
        _compiled[policy.digest] = policy
    return policy


def _default_effect(rules: Iterable[Rule]) -> str:
    modes = {rule.mode for rule in rules}
    return modes.pop() if len(modes) == 1 else "deny"


def _patterns(rules: Iterable[Rule]) -> list[str]:
    return [pattern for rule in rules for pattern in _list(rule.patterns, rule)]


def _actions(rules: Iterable[Rule]) -> list[str]:
    return _patterns(rule for rule in rules if not rule.server)


def _groups(rules: Iterable[Rule]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for rule in rules:
        groups.setdefault(rule.name, []).extend(_list(rule.patterns, rule))
    return groups


def _servers(rules: Mapping[str, list[Rule]]) -> Document:
    servers: dict[str, Document] = {}
    for rule in rules[Rule.Kind.EXPOSURE]:
        server = servers.setdefault(rule.server, {})
        if "tool_policy" in server:
            raise PolicyError(f"servers.{rule.server}.tool_policy", "said twice")
        server["tool_policy"] = _exposure(rule)
    for rule in rules[Rule.Kind.ROLE]:
        restrictions = servers.setdefault(rule.server, {}).setdefault("role_restrictions", {})
        _restrict(restrictions.setdefault(rule.role, {}), rule)
    for rule in rules[Rule.Kind.CONFIRM]:
        if rule.server:
            servers.setdefault(rule.server, {})["confirm_destructive"] = _destructive(rule)
    return servers


def _destructive(rule: Rule) -> bool:
    if rule.mode != "destructive":
        raise PolicyError(str(rule), "for a server the mode must be destructive")
    return True


def _exposure(rule: Rule) -> Document:
    key = _EXPOSED_BY.get(rule.mode)
    return {"mode": rule.mode} | ({key: _list(rule.patterns, rule)} if key else {})


def _restrict(said: Document, rule: Rule) -> None:
    if rule.mode in ("allow_all", "deny_all"):
        said[rule.mode] = True
    else:
        said.setdefault(rule.mode, []).extend(_list(rule.patterns, rule))


def _argument_rule(rule: Rule) -> Document:
    if not isinstance(rule.condition, Mapping):
        raise PolicyError(str(rule), "its condition must be a mapping")
    named = {"name": rule.name} if rule.name else {}
    return {**rule.condition, **named, "tools": _list(rule.patterns, rule)}


def _default_user(rules: list[Rule]) -> Document:
    if len(rules) > 1:
        raise PolicyError("default_user", "said twice")
    return dict(rules[0].condition) if rules else {}


def _list(value: object, rule: Rule) -> list[str]:
    if not isinstance(value, list):
        raise PolicyError(str(rule), "its patterns must be a list")
    return value


def _all_roles() -> Iterable[Role]:
    return Role.objects.order_by("name")


def _role_name(role: Role | None) -> str:
    return role.name if role else ""
