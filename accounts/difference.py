"""What two policies say differently: a line for each rule, in the words of the configuration. Pure.

Who gains or loses what by it is another question: `accounts.effects`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]

_NAMES = {
    "default_effect": "global.default_effect",
    "blocked_tools": "global.blocked_tools",
    "admin_only_tools": "global.admin_only_tools",
    "groups": "tool_patterns",
}
# What a document says that says nothing.
_NOTHING: Document = {
    "default_effect": "deny",
    "blocked_tools": (),
    "admin_only_tools": (),
    "groups": {},
    "roles": {},
    "teams": {},
    "default_user": {},
    "require_confirmation": {"enabled": True, "actions": ()},
}


def rules(before: Document, after: Document) -> list[str]:
    """The differences, in the order of the places they stand at."""
    before, after = {**_NOTHING, **before}, {**_NOTHING, **after}
    lines: list[str] = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if key == "servers":
            lines += _servers(old or {}, new or {})
        elif key == "argument_rules":
            lines += _argument_rules(old or (), new or ())
        else:
            lines += _differing(_NAMES.get(key, key), old, new)
    return lines


def _servers(before: Document, after: Document) -> Iterator[str]:
    for server in sorted({*before, *after}):
        old, new = before.get(server, {}), after.get(server, {})
        for key in ("tool_policy", "confirm_destructive"):
            yield from _line(f"{key} of {server}", old.get(key), new.get(key))
        roles_before = old.get("role_restrictions", {})
        roles_after = new.get("role_restrictions", {})
        for role in sorted({*roles_before, *roles_after}):
            place = f"role_restrictions.{role} on {server}"
            yield from _modes(place, roles_before.get(role, {}), roles_after.get(role, {}))


def _modes(place: str, before: Document, after: Document) -> Iterator[str]:
    for mode in sorted({*before, *after}):
        yield from _differing(f"{place}: {mode}", before.get(mode), after.get(mode))


def _argument_rules(before: Sequence[Document], after: Sequence[Document]) -> Iterator[str]:
    """Rules with a name are the same rule; the others are what they say."""
    old, new = _by_name(before), _by_name(after)
    for name in sorted({*old, *new}):
        place = f"argument_rules ({name})" if not name.startswith("{") else "argument_rules"
        yield from _line(place, old.get(name), new.get(name))
    if not old.keys() ^ new.keys() and list(old) != list(new):
        yield "argument_rules: in another order"


def _by_name(rules: Sequence[Document]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for rule in rules:
        name = rule.get("name") or _said(rule)
        while name in found:
            name += " again"
        found[name] = rule
    return found


def _differing(place: str, old: Any, new: Any) -> Iterator[str]:
    """The lines for one place: inside of mappings, by what came and went of lists, or whole."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _differing(f"{place}.{key}", old.get(key), new.get(key))
    elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        yield from _lists(place, old, new)
    else:
        yield from _line(place, old, new)


def _lists(place: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[str]:
    added = [_said(item) for item in new if item not in old]
    removed = [_said(item) for item in old if item not in new]
    parts = [f"added {', '.join(added)}"] if added else []
    parts += [f"removed {', '.join(removed)}"] if removed else []
    if not parts and list(old) != list(new):
        parts = ["in another order"]
    if parts:
        yield f"{place}: {'; '.join(parts)}"


def _line(place: str, old: Any, new: Any) -> Iterator[str]:
    if old == new or (old is None and new in (False, "")):
        return
    if old is None:
        yield f"{place}: added{_shown(new)}"
    elif new is None:
        yield f"{place}: removed{_shown(old)}"
    else:
        yield f"{place}: {_said(old)} → {_said(new)}"


def _shown(value: Any) -> str:
    said = _said(value)
    return "" if said in ("true", "nothing") else f" ({said})"


def _said(value: Any) -> str:
    """A value as a reader of the configuration would write it; of a mapping what it really says."""
    if isinstance(value, Mapping):
        said = {key: item for key, item in value.items() if item not in (False, None, [], {})}
        inside = ", ".join(f"{key}: {_said(item)}" for key, item in said.items())
        return f"{{{inside}}}" if said else "nothing"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_said, value))}]"
    return value if isinstance(value, str) else json.dumps(value)
