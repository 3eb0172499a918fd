"""From the document (JSON) to the compiled policy; what is not understood is refused."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from accounts.policy import reading
from accounts.policy.patterns import Glob, PatternError, Patterns, check_text
from accounts.policy.reading import PolicyError
from accounts.policy.rules import (
    DATABASE_ARGUMENTS,
    DATABASES,
    ArgumentRule,
    DefaultUser,
    Exposure,
    Policy,
    Restriction,
    RoleRules,
    ServerRules,
)

Groups = Mapping[str, tuple[str, ...]]

DANGEROUS = "dangerous"
EXPOSURE_MODES = ("allow_all", "allow_all_except", "allow_only")
OWN_MODES = ("inherit", "custom", "all", "none")
_EXPOSED_BY = {"allow_all_except": "exclude", "allow_only": "allow"}
_DOCUMENT = frozenset(
    {
        "default_effect",
        "blocked_tools",
        "admin_only_tools",
        "groups",
        "servers",
        "roles",
        "teams",
        "default_user",
        "argument_rules",
        "require_confirmation",
    }
)
_SERVER = frozenset({"tool_policy", "role_restrictions", "confirm_destructive"})
_TOOL_POLICY = frozenset({"mode", "exclude", "allow"})
_RESTRICTION = frozenset({"allow_all", "deny_all", "allow_only", "deny", "allow_all_except"})
_ROLE = frozenset(
    {
        "can_bypass_tool_restrictions",
        "can_execute_dangerous_tools",
        "can_access_all_databases",
        "denied_tools",
        "allowed_mcp_tools",
        "allowed_tool_patterns",
    }
)
_ARGUMENT = frozenset(
    {"name", "tools", "argument", "allow", "deny", "from", "min", "max", "required", "effect"}
)
_OWN_ENTRY = frozenset({"mode", "tools", "deny"})


def compile_policy(document: Mapping[str, Any]) -> Policy:
    """Compile a document; raises PolicyError naming the place of whatever is wrong in it."""
    document = reading.mapping(document, "policy", keys=_DOCUMENT)
    groups = reading.groups(document.get("groups"), "tool_patterns")
    effect = reading.word(
        document.get("default_effect"),
        "global.default_effect",
        of=("allow", "deny"),
        default="deny",
    )
    return Policy(
        default_allows=effect == "allow",
        blocked=_named(document, "blocked_tools", groups),
        dangerous=Patterns([f"@{DANGEROUS}"] if DANGEROUS in groups else [], groups),
        admin_only=_named(document, "admin_only_tools", groups),
        servers=_servers(document.get("servers"), groups),
        roles=_roles(document.get("roles"), groups),
        team_roles=_team_roles(document.get("teams")),
        default_user=_default_user(document.get("default_user"), groups),
        argument_rules=_argument_rules(document.get("argument_rules"), groups),
        database_rules=_database_rules(),
        confirmed=_confirmed(document.get("require_confirmation"), groups),
        groups=groups,
        digest=digest_of(document),
    )


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of the document's canonical JSON: the name of this version on the record."""
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PolicyError("policy", f"not JSON: {error}") from None
    return hashlib.sha256(text.encode()).hexdigest()


def _named(document: Mapping[str, Any], key: str, groups: Groups) -> Patterns:
    return reading.patterns(document.get(key), f"global.{key}", groups=groups)


def _servers(value: object, groups: Groups) -> dict[str, ServerRules]:
    found = {}
    for name, rules in reading.by_server(value, "servers").items():
        place = f"servers.{name}"
        rules = reading.mapping(rules, place, keys=_SERVER)
        restrictions = reading.mapping(rules.get("role_restrictions"), f"{place}.role_restrictions")
        found[name] = ServerRules(
            exposure=_exposure(rules.get("tool_policy"), f"{place}.tool_policy", groups),
            restrictions={
                role: _restriction(said, f"{place}.role_restrictions.{role}", groups)
                for role, said in restrictions.items()
            },
            confirm_destructive=reading.flag(
                rules.get("confirm_destructive"), f"{place}.confirm_destructive"
            ),
        )
    return found


def _exposure(value: object, place: str, groups: Groups) -> Exposure | None:
    if value is None:
        return None
    said = reading.mapping(value, place, keys=_TOOL_POLICY)
    mode = reading.word(said.get("mode"), f"{place}.mode", of=EXPOSURE_MODES, default="")
    if not mode:
        raise PolicyError(f"{place}.mode", f"missing; known are {', '.join(EXPOSURE_MODES)}")
    used = _EXPOSED_BY.get(mode, "")
    for key in {"exclude", "allow"} - {used}:
        if reading.texts(said.get(key), f"{place}.{key}"):
            raise PolicyError(f"{place}.{key}", f"has no effect with mode {mode}")
    if used and said.get(used) is None:
        raise PolicyError(f"{place}.{used}", f"missing with mode {mode}")
    return Exposure(mode, reading.patterns(said.get(used), f"{place}.{used}", groups=groups))


def _restriction(value: object, place: str, groups: Groups) -> Restriction:
    said = reading.mapping(value, place, keys=_RESTRICTION)

    def listed(key: str) -> Patterns | None:
        if key not in said:
            return None
        if said[key] is None:
            raise PolicyError(f"{place}.{key}", "this must be a list")
        return reading.patterns(said[key], f"{place}.{key}", groups=groups)

    return Restriction(
        allow_all=reading.flag(said.get("allow_all"), f"{place}.allow_all"),
        deny_all=reading.flag(said.get("deny_all"), f"{place}.deny_all"),
        allow_only=listed("allow_only"),
        deny=listed("deny"),
        allow_all_except=listed("allow_all_except"),
    )


def _roles(value: object, groups: Groups) -> dict[str, RoleRules]:
    found = {}
    for name, rules in reading.mapping(value, "roles").items():
        place = f"roles.{name}"
        said = reading.mapping(rules, place, keys=_ROLE)
        allowed_on = reading.by_server(said.get("allowed_mcp_tools"), f"{place}.allowed_mcp_tools")
        found[name] = RoleRules(
            name=name,
            bypasses=_flag(said, "can_bypass_tool_restrictions", place),
            dangerous=_flag(said, "can_execute_dangerous_tools", place),
            all_databases=_flag(said, "can_access_all_databases", place),
            denied=_listed(said, "denied_tools", place, groups=groups),
            allowed_on={
                server: _listed(allowed_on, server, f"{place}.allowed_mcp_tools", groups=groups)
                for server in allowed_on
            },
            allowed=_listed(said, "allowed_tool_patterns", place, groups=groups),
        )
    return found


def _flag(said: Mapping[str, Any], key: str, place: str) -> bool:
    return reading.flag(said.get(key), f"{place}.{key}")


def _listed(said: Mapping[str, Any], key: str, place: str, *, groups: Groups) -> Patterns:
    return reading.patterns(said.get(key), f"{place}.{key}", groups=groups)


def _team_roles(value: object) -> dict[str, str]:
    found = {}
    for team, rules in reading.mapping(value, "teams").items():
        said = reading.mapping(rules, f"teams.{team}", keys=frozenset({"default_role"}))
        role = reading.text(said.get("default_role"), f"teams.{team}.default_role")
        if role:
            found[team] = role
    return found


def _default_user(value: object, groups: Groups) -> DefaultUser:
    said = reading.mapping(value, "default_user")
    attributes = {}
    for name in said.keys() - {"role", "allowed_mcps"}:
        place = f"default_user.{name}"
        if not name.startswith("allowed_"):
            raise PolicyError(place, "unknown")
        attributes[name] = "*" if said[name] == "*" else reading.texts(said[name], place)
    check_allowed_mcps(said.get("allowed_mcps"), groups, place="default_user.allowed_mcps")
    role = reading.text(said.get("role"), "default_user.role") or None
    return DefaultUser(role, said.get("allowed_mcps"), attributes)


def check_allowed_mcps(value: object, groups: Groups, *, place: str = "allowed_mcps") -> None:
    """Raise PolicyError unless this is `"*"`, a list of servers, or a map of server → own rule."""
    if value is None or value == "*":
        return
    if not isinstance(value, Mapping):
        reading.by_server(dict.fromkeys(reading.texts(value, place)), place)
        return
    for server, entry in reading.by_server(value, place).items():
        here = f"{place}.{server}"
        if entry == "*":
            continue
        said = reading.mapping(entry, here, keys=_OWN_ENTRY)
        if not reading.word(said.get("mode"), f"{here}.mode", of=OWN_MODES, default=""):
            raise PolicyError(f"{here}.mode", f"missing; known are {', '.join(OWN_MODES)}")
        for key in ("tools", "deny"):
            _listed(said, key, here, groups=groups)


def _confirmed(value: object, groups: Groups) -> Patterns:
    place = "require_confirmation"
    said = reading.mapping(value, place, keys=frozenset({"enabled", "actions"}))
    actions = reading.patterns(said.get("actions"), f"{place}.actions", groups=groups)
    enabled = said.get("enabled") is None or reading.flag(said["enabled"], f"{place}.enabled")
    return actions if enabled else Patterns((), groups)


def _argument_rules(value: object, groups: Groups) -> tuple[ArgumentRule, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise PolicyError("argument_rules", "this must be a list")
    return tuple(_argument_rule(rule, number, groups) for number, rule in enumerate(value, start=1))


def _argument_rule(value: object, number: int, groups: Groups) -> ArgumentRule:
    place = f"argument_rules.{number}"
    said = reading.mapping(value, place, keys=_ARGUMENT)
    path = tuple(reading.text(said.get("argument"), f"{place}.argument").split("."))
    if not all(path):
        raise PolicyError(f"{place}.argument", "the name of an argument, or a path with dots")
    tools = _listed(said, "tools", place, groups=groups)
    if not tools.texts:
        raise PolicyError(f"{place}.tools", "missing: which tools does the rule hold for?")
    name = reading.text(said.get("name"), f"{place}.name")
    effect = reading.word(said.get("effect"), f"{place}.effect", of=("deny", "ask"), default="deny")
    rule = ArgumentRule(
        label=f"{place} ({name})" if name else place,
        tools=tools,
        path=path,
        allow=_globs(said, "allow", place),
        deny=_globs(said, "deny", place),
        attribute=reading.text(said.get("from"), f"{place}.from"),
        minimum=reading.number(said.get("min"), f"{place}.min"),
        maximum=reading.number(said.get("max"), f"{place}.max"),
        required=_flag(said, "required", place),
        asks=effect == "ask",
    )
    _check_demands_something(rule, place)
    return rule


def _globs(said: Mapping[str, Any], key: str, place: str) -> tuple[Glob, ...] | None:
    if key not in said:
        return None
    if said[key] is None:
        raise PolicyError(f"{place}.{key}", "this must be a list of texts")
    try:
        return tuple(Glob(check_text(text)) for text in reading.texts(said[key], f"{place}.{key}"))
    except PatternError as error:
        raise PolicyError(f"{place}.{key}", str(error)) from None


def _check_demands_something(rule: ArgumentRule, place: str) -> None:
    lists = rule.allow is not None or rule.deny is not None
    bounds = rule.minimum is not None or rule.maximum is not None
    if not (lists or bounds or rule.attribute or rule.required):
        raise PolicyError(place, "it demands nothing: say allow, deny, from, min, max or required")
    if rule.minimum is not None and rule.maximum is not None and rule.minimum > rule.maximum:
        raise PolicyError(f"{place}.min", "greater than max: no value would pass")


def _database_rules() -> tuple[ArgumentRule, ...]:
    every = Patterns(("*",), {})
    return tuple(
        ArgumentRule(label=f"{DATABASES} ({name})", tools=every, path=(name,), attribute=DATABASES)
        for name in DATABASE_ARGUMENTS
    )
