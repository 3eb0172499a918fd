"""mcps.yaml → the rules of the policy. The policy's own compiler is what finds them wrong."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from accounts.importing import RuleSpec
from accounts.models import Rule
from accounts.policy import PatternError, PolicyError, check_pattern, compile_policy
from omni2.configuration.checking import Checked
from omni2.configuration.reading import join
from omni2.configuration.shapes import nearest

# Names of pattern groups; their members do not matter to what may be said.
Groups = Iterable[str]


def read_policy(checked: Checked, *, stored: Iterable[str] = ()) -> list[RuleSpec]:
    """The rules of the file; what is wrong with them is added to its problems.

    Where it says no groups of its own, its patterns may name those that are `stored`.
    """
    groups = checked.data.get("tool_patterns", dict.fromkeys(stored, []))
    _check_groups(checked, groups)
    return [
        *_global_rules(checked, groups),
        *_server_rules(checked, groups),
        *_argument_rules(checked, groups),
        *_confirmation(checked, groups),
    ]


def check_patterns(checked: Checked, patterns: list[Any], path: str, *, groups: Groups) -> None:
    """Report every pattern of the list that the policy would not take."""
    for index, pattern in enumerate(patterns):
        if pattern is None:
            continue
        here = f"{path}[{index}]"
        try:
            check_pattern(pattern)
        except PatternError as error:
            checked.refuse(here, str(error))
            continue
        if pattern.startswith("@") and pattern[1:] not in groups:
            known = [f"@{group}" for group in groups]
            checked.refuse(here, f"there is no group {pattern}; {nearest(pattern, known)}")


def check_piece(checked: Checked, document: Mapping[str, Any], place: str, path: str) -> None:
    """Report what the policy's compiler finds wrong in a piece that it calls `place`."""
    try:
        compile_policy(document)
    except PolicyError as error:
        checked.refuse(path + error.place.removeprefix(place), error.problem)


def _listed(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if value is not None)


def _check_groups(checked: Checked, groups: Mapping[str, list[Any]]) -> None:
    for name, patterns in groups.items():
        path = join("tool_patterns", name)
        check_patterns(checked, patterns, path, groups=groups)
        if checked.sound(path):
            document = {"groups": {name: _listed(patterns)}}
            check_piece(checked, document, f"tool_patterns.{name}", path)


def _global_rules(checked: Checked, groups: Mapping[str, list[Any]]) -> Iterator[RuleSpec]:
    said = checked.data.get("global", {})
    if "default_effect" in said:
        yield RuleSpec(Rule.Kind.DEFAULT_EFFECT, mode=said["default_effect"])
    for key, kind in (
        ("blocked_tools", Rule.Kind.BLOCKED),
        ("admin_only_tools", Rule.Kind.ADMIN_ONLY),
    ):
        if said.get(key):
            check_patterns(checked, said[key], f"global.{key}", groups=groups)
            yield RuleSpec(kind, patterns=_listed(said[key]))
    for name, patterns in checked.data.get("tool_patterns", {}).items():
        yield RuleSpec(Rule.Kind.GROUP, name=name, patterns=_listed(patterns))


def _server_rules(checked: Checked, groups: Mapping[str, list[Any]]) -> Iterator[RuleSpec]:
    for index, item in enumerate(checked.data.get("mcps", [])):
        if item is None or "name" not in item:
            continue
        path = f"mcps[{index}]"
        rules = list(_rules_of(checked, item, path, groups=groups))
        if checked.sound(f"{path}.name", f"{path}.tool_policy", f"{path}.role_restrictions"):
            _check_server(checked, item, path, groups=groups)
        yield from rules


def _rules_of(
    checked: Checked, item: Mapping[str, Any], path: str, *, groups: Mapping[str, list[Any]]
) -> Iterator[RuleSpec]:
    name = item["name"]
    exposed = item.get("tool_policy", {})
    for key in ("exclude", "allow"):
        check_patterns(checked, exposed.get(key, []), f"{path}.tool_policy.{key}", groups=groups)
    if "mode" in exposed:
        patterns = _listed([*exposed.get("exclude", []), *exposed.get("allow", [])])
        yield RuleSpec(Rule.Kind.EXPOSURE, server=name, mode=exposed["mode"], patterns=patterns)
    for role, said in item.get("role_restrictions", {}).items():
        here = join(f"{path}.role_restrictions", role)
        for mode, patterns in _restriction(checked, said, here, groups=groups).items():
            yield RuleSpec(Rule.Kind.ROLE, server=name, role=role, mode=mode, patterns=patterns)
    if item.get("confirm_destructive"):
        yield RuleSpec(Rule.Kind.CONFIRM, server=name, mode="destructive")


def _restriction(
    checked: Checked, said: Mapping[str, Any], path: str, *, groups: Mapping[str, list[Any]]
) -> dict[str, tuple[str, ...]]:
    """What a role may do on a server, by the mode of the rule. `allow_all_except` is `deny`."""
    modes: dict[str, tuple[str, ...]] = {}
    for flag in ("allow_all", "deny_all"):
        if said.get(flag):
            modes[flag] = ()
    for key in ("allow_only", "deny", "allow_all_except"):
        if key in said:
            check_patterns(checked, said[key], f"{path}.{key}", groups=groups)
            mode = "deny" if key == "allow_all_except" else key
            modes[mode] = modes.get(mode, ()) + _listed(said[key])
    if not modes:
        checked.warn(path, "says nothing, so this role ends at layer 8, the default")
    return modes


def _check_server(
    checked: Checked, item: Mapping[str, Any], path: str, *, groups: Mapping[str, list[Any]]
) -> None:
    keys = ("tool_policy", "role_restrictions", "confirm_destructive")
    said = {key: item[key] for key in keys if key in item}
    name = item["name"]
    document = {"groups": _usable(groups), "servers": {name: said}}
    check_piece(checked, document, f"servers.{name}", path)


def _usable(groups: Mapping[str, list[Any]]) -> dict[str, tuple[str, ...]]:
    """The groups by name alone: their members are reported where they stand."""
    return dict.fromkeys(groups, ())


def _argument_rules(checked: Checked, groups: Mapping[str, list[Any]]) -> Iterator[RuleSpec]:
    for index, said in enumerate(checked.data.get("argument_rules", [])):
        if said is None or not {"tools", "argument"} <= said.keys():
            continue
        path = f"argument_rules[{index}]"
        check_patterns(checked, said["tools"], f"{path}.tools", groups=groups)
        if checked.sound(path):
            document = {"groups": _usable(groups), "argument_rules": [said]}
            check_piece(checked, document, "argument_rules.1", path)
        yield RuleSpec(
            Rule.Kind.ARGUMENT,
            name=said.get("name", ""),
            patterns=_listed(said["tools"]),
            condition={key: value for key, value in said.items() if key not in ("name", "tools")},
            position=index,
        )


def _confirmation(checked: Checked, groups: Mapping[str, list[Any]]) -> Iterator[RuleSpec]:
    said = checked.data.get("require_confirmation", {})
    actions = said.get("actions", [])
    check_patterns(checked, actions, "require_confirmation.actions", groups=groups)
    if actions and not said.get("enabled", True):
        checked.note("require_confirmation.actions", "require_confirmation.enabled is false")
    elif actions:
        yield RuleSpec(Rule.Kind.CONFIRM, patterns=_listed(actions))
