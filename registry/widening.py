"""What an input schema lets in that it did not let in before, argument by argument. Pure.

JSON Schema validation, draft 2020-12: https://json-schema.org/draft/2020-12. A keyword that is not
judged here counts as dangerous when it changes: nobody can say that it is harmless.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SHOWN = 80
ABSENT = object()

# What only people and models read; `registry.drift` looks at all wording by itself.
_WORDING = frozenset({"title", "description", "examples", "$comment", "deprecated"})
_UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
# Restrictions that may be added freely; taken away or changed, they let something else in.
_RESTRICTION = frozenset({"pattern", "format", "const", "multipleOf", "uniqueItems"})


@dataclass(frozen=True)
class Difference:
    """One thing that is different, as a sentence of plain ASCII, and whether it is dangerous."""

    said: str
    dangerous: bool = False


def compare_schemas(before: Any, after: Any) -> Iterator[Difference]:
    """What is different between two input schemas."""
    yield from _compare("", before, after)


def quoted(value: Any) -> str:
    """A value as JSON in ASCII, cut: whatever a server writes moves and hides nothing."""
    if value is ABSENT:
        return "nothing"
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _compare(place: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield Difference(f"{_name(place)}: {quoted(before)} became {quoted(after)}", dangerous=True)
        return
    yield from _properties(place, before, after)
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        if key in ("properties", "required") or old == new:
            continue
        if key == "items" and isinstance(old, dict) and isinstance(new, dict):
            yield from _compare(f"{place}[]", old, new)
        else:
            yield _keyword(_name(place), key, old=old, new=new)


def _properties(
    place: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    old, new = _members(before), _members(after)
    had, has = _required(before), _required(after)
    for name in sorted(old.keys() | new.keys() | had | has):
        inner = f"{place}.{name}" if place else name
        must = name in has and name not in had
        if name in new and name not in old:
            kind = "new and required" if name in has else "new"
            yield Difference(f"{_name(inner)} is {kind}", dangerous=True)
            continue
        if must:
            yield Difference(f"{_name(inner)} has become required", dangerous=True)
        elif name in had and name not in has and name in new:
            yield Difference(f"{_name(inner)} is no longer required")
        if name in old and name not in new:
            yield Difference(f"{_name(inner)} is gone")
        elif name in old:
            yield from _compare(inner, old[name], new[name])


def _keyword(place: str, key: str, *, old: Any, new: Any) -> Difference:
    dangerous = _widens(key, old, new)
    if key == "default":
        return Difference(f"{place}: the default was {quoted(old)}, is {quoted(new)}", dangerous)
    if key in _WORDING:
        return Difference(f"{place}: its {key} has changed")
    said = f"{place}: {key} was {quoted(old)}, is {quoted(new)}"
    return Difference(f"{said} (wider)" if dangerous and key in _JUDGED else said, dangerous)


def _widens(key: str, old: Any, new: Any) -> bool:
    """Whether values pass now that did not pass before, as far as that can be told."""
    if key in _WORDING:
        return False
    if key in ("type", "enum"):
        return new is ABSENT or (old is not ABSENT and not _among(new, old))
    if key in _UPPER or key in _LOWER:
        return new is ABSENT or (old is not ABSENT and not _narrower(key, old, new))
    if key in _RESTRICTION:
        return old is not ABSENT
    if key == "additionalProperties":
        return new is not False
    return True


_JUDGED = _UPPER | _LOWER | _RESTRICTION | {"type", "enum", "additionalProperties"}


def _among(new: Any, old: Any) -> bool:
    known = [json.dumps(one, sort_keys=True) for one in _listed(old)]
    return all(json.dumps(one, sort_keys=True) in known for one in _listed(new))


def _narrower(key: str, old: Any, new: Any) -> bool:
    if not all(isinstance(bound, int | float) for bound in (old, new)):
        return False
    return bool(new <= old if key in _UPPER else new >= old)


def _members(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    members = schema.get("properties")
    return members if isinstance(members, dict) else {}


def _required(schema: Mapping[str, Any]) -> set[str]:
    names = schema.get("required")
    return {str(name) for name in names} if isinstance(names, list) else set()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(place: str) -> str:
    return f"argument {quoted(place)}" if place else "the arguments"
