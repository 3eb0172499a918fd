"""What a JSON Schema is made of, and how much work it makes before any validator sees it.

A schema of a few lines can ask for more steps than there is time: references that double,
recursion that branches, repeated evaluation. `Shape` refuses what cannot be bounded, and
`Shape.work` says for given arguments how many steps a validator may need.
"""

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import unquote

MAX_BYTES = 64 * 1024
MAX_DEPTH = 64
MAX_SUBSCHEMAS = 2_000
# Steps that one value may cost a schema by references and combinations alone.
MAX_STEPS_IN_PLACE = 10_000
# Steps for all arguments together: some 50 ms in the validator. Describing costs far more a step.
MAX_WORK = 1_000_000
MAX_STEPS_TO_DESCRIBE = 3_000
MAX_CALLS = 120
MAX_PAIRS = 50_000
# For each character that a pattern reads, at its worst; and for patterns that look ahead or back,
# which are not let loose on long texts at all.
STEPS_PER_CHARACTER = 30
CAREFUL_STEPS_PER_CHARACTER = 200
CAREFUL_LENGTH = 1_000

DIALECTS = {
    f"http{secure}://json-schema.org/{name}/schema"
    for secure in ("", "s")
    for name in ("draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12")
}
# Keywords whose subschemas judge the same value, and those that judge its items or members.
_SAME = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies")
_MEMBERS = ("properties", "patternProperties")
_REST = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_ITEMS = ("items", "prefixItems", "additionalItems", "contains", "unevaluatedItems")
_UNUSED = ("$defs", "definitions", "contentSchema")
_MAPS = frozenset({"dependentSchemas", "dependencies", *_MEMBERS, "$defs", "definitions"})
_REFUSED = ("$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary")
_NOTHING = object()
# As json.dumps writes it; after an odd number of backslashes it is text that only looks like one.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
TOO_MUCH = "it takes too long to check"

Schema = dict[str, Any]


class Unusable(Exception):
    """Why a schema, or a value under it, is not given to a validator."""


class Shape:
    """The subschemas of one schema, references followed. Raises `Unusable` with the reason."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        # The patterns that may backtrack; whoever compiles the schema finds out.
        self.careful: frozenset[str] = frozenset()
        check_size(root)
        self.nodes = self._collect()
        steps = _Work(self, budget=MAX_STEPS_IN_PLACE)
        for node in self.nodes:
            steps.of(node, _NOTHING)

    def target(self, reference: object) -> Any:
        """What a reference within this schema points at (RFC 6901)."""
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            raise Unusable(f"it refers to {cut(reference)}, which is not a place within itself")
        found: Any = self.root
        for part in unquote(reference[1:]).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise Unusable(f"it refers to {cut(reference)}, which is not there") from None
        return found

    def in_place(self, node: Schema) -> Iterator[Schema]:
        """The subschemas that judge the same value as `node`."""
        if "$ref" in node:
            yield from _schemas(self.target(node["$ref"]))
        for keyword in _SAME:
            yield from _under(node, keyword)

    def work(self, arguments: Any) -> int:
        """The most steps it takes to judge `arguments`. Raises `Unusable` above `MAX_WORK`."""
        return _Work(self, budget=MAX_WORK).of(self.root, arguments)

    def is_describable(self, arguments: Any) -> bool:
        """Whether a validator can also say in time what is wrong, not only that something is."""
        try:
            _Work(self, budget=MAX_STEPS_TO_DESCRIBE, reads=False).of(self.root, arguments)
        except Unusable:
            return False
        return True

    @cached_property
    def patterns(self) -> frozenset[str]:
        """All regular expressions of the schema."""
        patterns = [node.get("pattern") for node in self.nodes]
        patterns += [key for node in self.nodes for key in _mapping(node, "patternProperties")]
        return frozenset(pattern for pattern in patterns if isinstance(pattern, str))

    def _collect(self) -> list[Schema]:
        found: dict[int, Schema] = {}
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if id(node) in found:
                continue
            found[id(node)] = node
            if len(found) > MAX_SUBSCHEMAS:
                raise Unusable(f"it has more than {MAX_SUBSCHEMAS:,} subschemas")
            self._refuse_keywords(node)
            waiting.extend(self.in_place(node))
            for keyword in (*_MEMBERS, *_REST, *_ITEMS, *_UNUSED):
                waiting.extend(_under(node, keyword))
        return list(found.values())

    def _refuse_keywords(self, node: Schema) -> None:
        for keyword in _REFUSED:
            if keyword in node:
                raise Unusable(f"it uses {keyword}, which is not supported")
        dialect = node.get("$schema", self.root.get("$schema"))
        if dialect is not None and str(dialect).removesuffix("#") not in DIALECTS:
            raise Unusable(f"it is written in {cut(dialect)}, which is not a known dialect")
        if node is not self.root and isinstance(node.get("$id", node.get("id")), str):
            raise Unusable("a part of it has an identity of its own ($id)")


class _Work:
    """Counts steps, each pair of schema and value once however often it is reached."""

    def __init__(self, shape: Shape, *, budget: int, reads: bool = True) -> None:
        self._shape, self._budget, self._reads = shape, budget, reads
        self._known: dict[tuple[int, int], int] = {}
        self._open: set[tuple[int, int]] = set()

    def of(self, node: Schema, value: Any) -> int:
        """The steps of judging `value` by `node`. Raises `Unusable` when they are too many."""
        pair = (id(node), id(value))
        if pair in self._known:
            return self._known[pair]
        if pair in self._open:
            raise Unusable("it refers to itself without end")
        if len(self._open) > MAX_CALLS or len(self._known) > MAX_PAIRS:
            raise Unusable(TOO_MUCH)
        self._open.add(pair)
        steps = self._count(node, value)
        self._open.discard(pair)
        if steps > self._budget:
            raise Unusable(TOO_MUCH)
        self._known[pair] = steps
        return steps

    def _count(self, node: Schema, value: Any) -> int:
        same = sum(self.of(each, value) for each in self._shape.in_place(node))
        # To know what is left over, a validator evaluates everything beside it again.
        again = 3 if "unevaluatedProperties" in node or "unevaluatedItems" in node else 1
        steps = 1 + again * same
        if isinstance(value, dict):
            steps += again * self._members(node, value)
        elif isinstance(value, list):
            below = [each for keyword in _ITEMS for each in _under(node, keyword)]
            steps += again * sum(self.of(each, item) for each in below for item in value)
        elif isinstance(value, str) and "pattern" in node:
            steps += self._reading(node["pattern"], value)
        return steps

    def _reading(self, pattern: str, text: str) -> int:
        if not self._reads:
            return 0
        if pattern not in self._shape.careful:
            return STEPS_PER_CHARACTER * len(text)
        if len(text) > CAREFUL_LENGTH:
            raise Unusable(f"{cut(pattern)} is only tried on {CAREFUL_LENGTH:,} characters or less")
        return CAREFUL_STEPS_PER_CHARACTER * len(text)

    def _members(self, node: Schema, value: dict[str, Any]) -> int:
        named = _mapping(node, "properties")
        patterns = _mapping(node, "patternProperties")
        rest = [each for keyword in _REST for each in _under(node, keyword)]
        steps = sum(self._reading(pattern, name) for pattern in patterns for name in value)
        for name, member in value.items():
            each_of = [*_schemas(named.get(name)), *_under(node, "patternProperties")]
            steps += sum(self.of(each, member) for each in (*each_of, *rest))
        return steps


def check_size(value: Any, max_bytes: int = MAX_BYTES) -> None:
    """Raise `Unusable` for JSON that is too deep or too long, or that is not JSON."""
    check_depth(value)
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (ValueError, TypeError):
        raise Unusable("it is not JSON that can be stored") from None
    if _NUL.search(text):
        raise Unusable("it holds a NUL character")
    if size > max_bytes:
        raise Unusable(f"it has {size:,} bytes; {max_bytes:,} are allowed")


def check_depth(value: Any) -> None:
    """Raise `Unusable` for JSON nested so deep that reading it by recursion would fail."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise Unusable(f"it is more than {MAX_DEPTH} levels deep")


def cut(value: object) -> str:
    """A value for a message: 80 characters at most, everything strange escaped."""
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _under(node: Schema, keyword: str) -> Iterator[Schema]:
    """The subschemas under one keyword: a schema, a list of them, or a map of them."""
    value = node.get(keyword)
    if keyword in _MAPS:
        for each in _mapping(node, keyword).values():
            yield from _schemas(each)
    else:
        yield from _schemas(value)


def _schemas(value: Any) -> Iterator[Schema]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def _mapping(node: Schema, keyword: str) -> dict[str, Any]:
    value = node.get(keyword)
    return value if isinstance(value, dict) else {}
