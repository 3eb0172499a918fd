"""Schemas of a document → one JSON Schema 2020-12 that stands by itself.

What is referred to becomes a definition of its own, so that a schema may refer to itself. OpenAPI
3.0 has a dialect of its own; here it becomes the usual one.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.openapi.document import CHAIN_LIMIT, Document, Part
from registry.openapi.errors import UnusableOperation

DEFINITIONS_LIMIT = 200
BYTES_LIMIT = 64 * 1024
# Keywords in all subschemas together.
WORDS_LIMIT = 20_000

# Of no use to whoever calls, or means something else where the schema stands now.
_LEFT_OUT = frozenset(
    {
        *("xml", "externalDocs", "discriminator", "example", "examples"),
        *("$id", "$schema", "$anchor", "$comment", "$defs", "definitions", "$ref"),
    }
)
_ONE = (
    *("not", "if", "then", "else", "items", "additionalProperties", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties", "contentSchema"),
)
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas")
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


@dataclass(frozen=True)
class Argument:
    """One argument of an operation: its schema as the document has it, and what is said of it."""

    schema: Any
    description: str
    is_needed: bool


class Schemas:
    """The schemas of a document, each definition made once, however many operations use it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        # What is referred to, by the name that it has from now on; and what was made of it.
        self._references: dict[str, str] = {}
        self._made: dict[str, _Made | UnusableOperation] = {}

    def whole(self, arguments: Mapping[str, Argument]) -> Part:
        """The schema of an object with these arguments and no others, its definitions within.

        Raises `UnusableOperation` for what refers elsewhere or is too large to be checked.
        """
        made = _Making(self._document, self._reference)
        found: Part = {
            "type": "object",
            "properties": {name: made.argument(one) for name, one in arguments.items()},
            "required": [name for name, one in arguments.items() if one.is_needed],
            "additionalProperties": False,
        }
        definitions = self._definitions(made.used, BYTES_LIMIT - _size(found))
        return {**found, "$defs": definitions} if definitions else found

    def _definitions(self, used: set[str], room: int) -> Part:
        """These definitions with all that they use in turn."""
        found: Part = {}
        waiting = sorted(used)
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            made = self._definition(name)
            found[name] = made.schema
            room -= made.size
            if len(found) > DEFINITIONS_LIMIT or room < 0:
                raise UnusableOperation("its schemas are too large to be checked")
            waiting += sorted(made.used - found.keys())
        return dict(sorted(found.items()))

    def _definition(self, name: str) -> "_Made":
        if name not in self._made:
            self._made[name] = self._make(self._references[name])
        made = self._made[name]
        if isinstance(made, UnusableOperation):
            raise made
        return made

    def _make(self, reference: str) -> "_Made | UnusableOperation":
        making = _Making(self._document, self._reference)
        try:
            schema = making.plain(self._document.at(reference))
        except UnusableOperation as error:
            return error
        return _Made(schema, making.used, _size(schema))

    def _reference(self, reference: Any) -> str:
        """The name of what is referred to; it has to be there."""
        self._document.at(reference)
        name = _NAME.sub("_", reference.removeprefix("#/components/schemas/").lstrip("#/"))[:80]
        if self._references.setdefault(name, reference) != reference:
            name = f"{name}_{hashlib.sha256(reference.encode()).hexdigest()[:8]}"
            self._references[name] = reference
        return name


@dataclass(frozen=True)
class _Made:
    """A definition, the names of those it uses, and its size as JSON."""

    schema: Any
    used: set[str]
    size: int


class _Making:
    """One schema on its way to the usual dialect; what it uses is noted by name."""

    def __init__(self, document: Document, name_of: Callable[[Any], str]) -> None:
        self._document = document
        self._is_old = document.is_old
        self._name_of = name_of
        self._room = WORDS_LIMIT
        self.used: set[str] = set()

    def argument(self, argument: Argument) -> Any:
        """The argument's schema, with what is said of the argument where it says nothing."""
        found = self.plain(argument.schema)
        if isinstance(found, dict) and argument.description:
            return {"description": argument.description, **found}
        return found

    def plain(self, schema: Any) -> Any:
        """The schema in the usual dialect, its references led to definitions."""
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise UnusableOperation("one of its schemas is no object")
        self._room -= 1 + len(schema)
        if self._room < 0:
            raise UnusableOperation("its schemas are too large to be checked")
        if "$ref" not in schema:
            return self._parts(schema)
        name = self._name_of(schema["$ref"])
        self.used.add(name)
        # In 3.0 nothing counts beside a reference.
        beside = {} if self._is_old else self._parts(schema)
        return {**beside, "$ref": f"#/$defs/{name}"}

    def _parts(self, schema: Part) -> Part:
        found = {
            key: self._part(key, value)
            for key, value in schema.items()
            if key not in _LEFT_OUT and not key.startswith("x-")
        }
        _take_out(self._read_only(schema.get("properties")), found)
        return _modern(found) if self._is_old else found

    def _read_only(self, properties: Any) -> set[str]:
        """The names of those that only the service says, not whoever calls it."""
        known = properties if isinstance(properties, dict) else {}
        return {name for name, one in known.items() if self._is_read_only(one)}

    def _is_read_only(self, schema: Any) -> bool:
        """Whether this schema says so, or one that it refers to."""
        for _ in range(CHAIN_LIMIT):
            if not isinstance(schema, dict):
                return False
            counts = "$ref" not in schema or not self._is_old
            if counts and schema.get("readOnly") is True:
                return True
            if "$ref" not in schema:
                return False
            schema = self._document.at(schema["$ref"])
        return False

    def _part(self, key: str, value: Any) -> Any:
        if key in _ONE and isinstance(value, dict):
            return self.plain(value)
        if key in _LISTS and isinstance(value, list):
            return [self.plain(one) for one in value]
        if key in _MAPS and isinstance(value, dict):
            return {name: self.plain(one) for name, one in value.items()}
        return value


def _size(schema: Any) -> int:
    return len(json.dumps(schema))


def _take_out(taken: set[str], schema: Part) -> None:
    """Have the schema of an object neither know nor require these properties."""
    if not taken:
        return
    properties, required = schema["properties"], schema.get("required")
    schema["properties"] = {name: one for name, one in properties.items() if name not in taken}
    if isinstance(required, list):
        schema["required"] = [name for name in required if name not in taken]


def _modern(schema: Part) -> Part:
    """The words of OpenAPI 3.0 in those of JSON Schema."""
    nullable = schema.pop("nullable", False) is True
    if nullable and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    for word, bound in _EXCLUSIVE.items():
        flag = schema.get(word)
        if isinstance(flag, bool):
            del schema[word]
            if flag and bound in schema:
                schema[word] = schema.pop(bound)
    return schema
