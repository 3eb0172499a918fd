"""Rows of rules, roles and teams → the document that makes the policy, and back again."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from accounts import importing
from accounts.importing import RuleSpec
from accounts.models import Role, Rule, Team
from accounts.policy import PolicyError

Document = dict[str, Any]

ROLE_FIELDS = (
    "can_bypass_tool_restrictions",
    "can_execute_dangerous_tools",
    "can_access_all_databases",
    "denied_tools",
    "allowed_mcp_tools",
    "allowed_tool_patterns",
)
_EXPOSED_BY = {"allow_all_except": "exclude", "allow_only": "allow"}


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
            role.name: {key: getattr(role, key) for key in ROLE_FIELDS} for role in _all_roles()
        },
        "teams": {team.key: {"default_role": _role_name(team.default_role)} for team in teams},
        "default_user": _default_user(rules[Rule.Kind.DEFAULT_USER]),
        "argument_rules": [_argument_rule(rule) for rule in rules[Rule.Kind.ARGUMENT]],
        "require_confirmation": {"enabled": True, "actions": _actions(rules[Rule.Kind.CONFIRM])},
    }


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


# --- Back into rows -------------------------------------------------------------------------------
def restore(document: Document) -> list[str]:
    """Make the rows say what the document says; return what that changed, in words.

    Roles made since then stay and lose what the policy gave them; roles deleted since then are made
    again, with no rights but the policy's. Teams are given their default role back, and not made.
    """
    changes = _restore_roles(document.get("roles", {}))
    changes += _restore_teams(document.get("teams", {}))
    return changes + importing.replace_rules(list(rules_of(document)))


def _restore_roles(roles: Mapping[str, Mapping[str, Any]]) -> list[str]:
    since = Role.objects.exclude(name__in=roles).values_list("name", flat=True)
    nothing = {field: getattr(Role(), field) for field in ROLE_FIELDS}
    wanted = {**dict.fromkeys(since, nothing), **roles}
    return importing.apply_roles(
        importing.RoleSpec(name, {**nothing, **said}) for name, said in wanted.items()
    )


def _restore_teams(teams: Mapping[str, Mapping[str, Any]]) -> list[str]:
    roles = {role.name: role for role in Role.objects.all()}
    changes = []
    for team in Team.objects.select_related("default_role"):
        before, named = team.default_role, teams.get(team.key, {}).get("default_role", "")
        if (before.name if before else "") != named:
            team.default_role = roles.get(named)
            team.save(update_fields=["default_role"])
            said = _role_name(before) or "nothing"
            changes.append(f"team {team.key}: default_role {said} → {named or 'nothing'}")
    return changes


def rules_of(document: Document) -> Iterator[RuleSpec]:
    """The rules that make this document, one for each place in it."""
    kinds = Rule.Kind
    if document.get("default_effect") == "allow":
        yield RuleSpec(kinds.DEFAULT_EFFECT, mode="allow")
    for kind, key in ((kinds.BLOCKED, "blocked_tools"), (kinds.ADMIN_ONLY, "admin_only_tools")):
        if document.get(key):
            yield RuleSpec(kind, patterns=tuple(document[key]))
    for name, patterns in document.get("groups", {}).items():
        yield RuleSpec(kinds.GROUP, name=name, patterns=tuple(patterns))
    for server, said in document.get("servers", {}).items():
        yield from _rules_of_server(server, said)
    for position, said in enumerate(document.get("argument_rules", [])):
        condition = {key: value for key, value in said.items() if key not in ("name", "tools")}
        named = {"name": said.get("name", ""), "patterns": tuple(said["tools"])}
        yield RuleSpec(kinds.ARGUMENT, **named, condition=condition, position=position)
    if document.get("require_confirmation", {}).get("actions"):
        actions = document["require_confirmation"]["actions"]
        yield RuleSpec(kinds.CONFIRM, patterns=tuple(actions))
    if document.get("default_user"):
        yield RuleSpec(kinds.DEFAULT_USER, condition=document["default_user"])


def _rules_of_server(server: str, said: Mapping[str, Any]) -> Iterator[RuleSpec]:
    exposed = said.get("tool_policy")
    if exposed:
        patterns = exposed.get(_EXPOSED_BY.get(exposed["mode"], ""), ())
        yield RuleSpec(
            Rule.Kind.EXPOSURE, server=server, mode=exposed["mode"], patterns=tuple(patterns)
        )
    for role, modes in said.get("role_restrictions", {}).items():
        for mode, value in modes.items():
            patterns = () if isinstance(value, bool) else tuple(value)
            rule = RuleSpec(Rule.Kind.ROLE, server=server, role=role, mode=mode, patterns=patterns)
            yield from () if value is False else (rule,)
    if said.get("confirm_destructive"):
        yield RuleSpec(Rule.Kind.CONFIRM, server=server, mode="destructive")
