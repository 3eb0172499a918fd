"""Arguments against a tool's input schema, in bounded time, fetching nothing.

The schema is its server's, so it is hostile until checked: no reference leaves it, no pattern can
backtrack for ever, and its size, depth and work are capped (`registry.subschemas`). What is stored
is the schema as the server wrote it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs

from registry.subschemas import Schema, Shape, Unusable, check_size, cut

MAX_PATTERNS = 50
MAX_PROBLEMS = 10
MAX_ARGUMENT_BYTES = 1024 * 1024
# A pattern that looks ahead or back is at most so long and may try so often.
CAREFUL_PATTERN_LENGTH = 512
BACKTRACKS = 300

_LINEAR = jsonschema_rs.RegexOptions(size_limit=1 << 18, dfa_size_limit=1 << 20)
_CAREFUL = jsonschema_rs.FancyRegexOptions(
    backtrack_limit=BACKTRACKS, size_limit=1 << 16, dfa_size_limit=1 << 20
)
_PLURAL = {"integer": "an integer", "array": "a list", "object": "an object", "null": "null"}


@dataclass(frozen=True)
class Compiled:
    """A schema that passed every check, ready to judge arguments."""

    shape: Shape
    validator: jsonschema_rs.Validator
    known: frozenset[str]
    closed: bool

    def problems(self, arguments: Any) -> list[str]:
        """What is wrong with the arguments, readable for a model; empty when they may be sent."""
        if not isinstance(arguments, Mapping):
            return ["arguments: must be an object"]
        try:
            return self._problems(dict(arguments))
        except (Unusable, ValueError) as error:
            return [f"arguments: cannot be checked against the tool's schema: {error}"]

    def _problems(self, arguments: dict[str, Any]) -> list[str]:
        check_size(arguments, MAX_ARGUMENT_BYTES)
        self.shape.work(arguments)
        unknown = [self._unknown(name) for name in arguments if self._is_unknown(name)]
        if self.validator.is_valid(arguments):
            return unknown
        if not self.shape.is_describable(arguments):
            return [*unknown, "arguments: do not fit the tool's schema"]
        errors = islice(self.validator.iter_errors(arguments), MAX_PROBLEMS)
        others = (error for error in errors if not (unknown and _is_about_unknown(error)))
        return unknown + [_readable(error, self.known) for error in others]

    def _is_unknown(self, name: str) -> bool:
        return self.closed and name not in self.known

    def _unknown(self, name: str) -> str:
        return _no_such_argument([], name, self.known)


def check_schema(schema: Any) -> str | None:
    """Why a tool with this input schema is set aside, or None when arguments can be checked."""
    try:
        validator_for(schema)
    except Unusable as error:
        return f"its input schema cannot be used: {error}"
    return None


def validator_for(schema: Any) -> Compiled:
    """The compiled schema, kept for the next call. Raises `Unusable` with the reason."""
    if not isinstance(schema, dict):
        raise Unusable("it is not an object")
    kind = schema.get("type", "object")
    if "object" not in (kind if isinstance(kind, list) else [kind]):
        raise Unusable(f"arguments are an object, but its type is {cut(kind)}")
    check_size(schema)
    return _compiled(json.dumps(schema, sort_keys=True))


def validate(schema: Any, arguments: Any) -> list[str]:
    """The problems of these arguments; empty when the tool may be called with them.

    An argument that the schema does not know is a problem unless the schema itself speaks of
    additional ones. A schema that cannot be used is a problem too.
    """
    try:
        compiled = validator_for(schema)
    except Unusable as error:
        return [f"arguments: the tool's schema cannot be used: {error}"]
    return compiled.problems(arguments)


@lru_cache(maxsize=512)
def _compiled(text: str) -> Compiled:
    schema = json.loads(text)
    shape = Shape(schema)
    shape.careful = _careful_ones(shape.patterns)
    try:
        validator = jsonschema_rs.validator_for(
            schema,
            offline=True,
            validate_formats=False,
            pattern_options=_CAREFUL if shape.careful else _LINEAR,
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise Unusable(_first_line(error)) from None
    known, closed = _arguments_of(shape)
    return Compiled(shape, validator, known, closed)


def _careful_ones(patterns: frozenset[str]) -> frozenset[str]:
    """The patterns that look ahead or back. Raises `Unusable` for one that no engine takes."""
    if len(patterns) > MAX_PATTERNS:
        raise Unusable(f"it has more than {MAX_PATTERNS} patterns")
    unusual = frozenset(pattern for pattern in patterns if not _compiles(pattern, _LINEAR))
    for pattern in unusual:
        if len(pattern) > CAREFUL_PATTERN_LENGTH or not _compiles(pattern, _CAREFUL):
            raise Unusable(f"its pattern {cut(pattern)} cannot be used")
    return unusual


def _compiles(pattern: str, options: Any) -> bool:
    try:
        jsonschema_rs.validator_for({"pattern": pattern}, offline=True, pattern_options=options)
    except ValueError:
        return False
    return True


def _is_about_unknown(error: jsonschema_rs.ValidationError) -> bool:
    return not error.instance_path and error.kind.name in ("additionalProperties", "falseSchema")


def _arguments_of(shape: Shape) -> tuple[frozenset[str], bool]:
    """The arguments that a schema knows, and whether these are all because it says no more."""
    if shape.root.get("additionalProperties") is False and "patternProperties" not in shape.root:
        return frozenset(shape.root.get("properties", {})), True
    known: set[str] = set()
    seen: dict[int, Schema] = {}
    waiting = [shape.root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen[id(node)] = node
        properties = node.get("properties")
        known |= properties.keys() if isinstance(properties, dict) else set()
        waiting.extend(shape.in_place(node))
    speaks = ("additionalProperties", "unevaluatedProperties", "patternProperties")
    return frozenset(known), not any(word in node for node in seen.values() for word in speaks)


def _readable(error: jsonschema_rs.ValidationError, known: frozenset[str]) -> str:
    kind, path = error.kind, list(error.instance_path)
    where = _place(path)
    if kind.name == "type":
        types = kind.value if isinstance(kind.value, list) else [kind.value]
        wanted = " or ".join(_PLURAL.get(each, f"a {each}") for each in types)
        return f"{where}: {_json(error.instance)} is not {wanted}"
    if kind.name == "required":
        return f"{_place([*path, kind.value])}: is missing"
    if kind.name in ("additionalProperties", "unevaluatedProperties"):
        return "; ".join(_no_such_argument(path, name, known) for name in kind.value)
    if kind.name == "enum":
        return f"{where}: {_json(error.instance)} is not one of {_json(kind.value, 400)[1:-1]}"
    return f"{where}: {_shortened(_first_line(error), 300)}"


def _no_such_argument(path: list[str | int], name: str, known: frozenset[str]) -> str:
    near = [] if path else get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{_place([*path, name])}: there is no such argument{hint}"


def _place(path: list[str | int]) -> str:
    parts = (f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)
    return _shortened("arguments" + "".join(parts), 200)


def _json(value: Any, length: int = 120) -> str:
    return _shortened(json.dumps(value, ensure_ascii=False, default=str), length)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _first_line(error: Exception) -> str:
    return _shortened((getattr(error, "message", "") or str(error)).strip().split("\n")[0], 300)
