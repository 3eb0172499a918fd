"""Forms that servers ask a person to fill in, and what their own defaults say (SEP-1034). Pure."""

from collections.abc import Mapping
from typing import Any

ELICITATION = "elicitation/create"
# What is declared where forms are answered by their defaults: no address is opened for anybody.
CAPABILITIES: Mapping[str, Any] = {"elicitation": {"form": {}}}
_TYPES: Mapping[Any, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
}
Answer = dict[str, Any]


def defaults_of(schema: object) -> dict[str, Any]:
    """What the form itself says for its fields, where that is of the field's type."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return {}
    return {
        str(name): field["default"]
        for name, field in properties.items()
        if isinstance(field, Mapping) and "default" in field and _fits(field)
    }


def filled(answer: Mapping[str, Any], defaults: Mapping[str, Any]) -> Answer:
    """A person's answer, with defaults for what they left out of a form that they accepted."""
    if answer.get("action") != "accept" or not defaults:
        return dict(answer)
    content = answer.get("content")
    return {**answer, "content": {**defaults, **(content if isinstance(content, Mapping) else {})}}


def by_defaults(params: object) -> Answer:
    """The answer where nobody can be asked: the defaults, if they say all that the form needs.

    A form without any is a question to a person, and is declined.
    """
    params = params if isinstance(params, Mapping) else {}
    schema = params.get("requestedSchema")
    defaults = defaults_of(schema)
    required = schema.get("required") if isinstance(schema, Mapping) else None
    needed = required if isinstance(required, list) else []
    is_form = params.get("mode", "form") == "form"
    if is_form and defaults and all(name in defaults for name in needed):
        return {"action": "accept", "content": defaults}
    return {"action": "decline"}


def answers(requests: object) -> dict[str, Answer] | None:
    """Such answers to all that a tool asks; None where one of them is no form, or is declined."""
    if not isinstance(requests, Mapping) or not requests:
        return None
    found = {}
    for key, one in requests.items():
        if not isinstance(one, Mapping) or one.get("method") != ELICITATION:
            return None
        found[str(key)] = by_defaults(one.get("params"))
    return None if any(one["action"] == "decline" for one in found.values()) else found


def _fits(field: Mapping[str, Any]) -> bool:
    value, wanted = field["default"], field.get("type")
    if isinstance(value, bool) and wanted != "boolean":
        return False
    return isinstance(wanted, str) and isinstance(value, _TYPES.get(wanted, ()))
