"""YAML text → nodes that know their line. Reads data only: no tags, no objects, no bombs.

YAML 1.2 as ruamel.yaml composes it; the resolver of the composed nodes tells text from numbers.
Aliases are expanded here under a cap, so that a few lines cannot become a billion nodes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import BaseConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from omni2.configuration.problems import Place, Problem

MOST_BYTES = 1024 * 1024
MOST_REPEATED = 10_000
MOST_DEPTH = 40
MOST_OPEN = 200

_CORE = "tag:yaml.org,2002:"
_SCALARS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null", "timestamp"))
_MERGE = _CORE + "merge"


class Unreadable(Exception):
    """The text is no YAML this reader takes; `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True)
class Read:
    """One value: text, number, flag, None, a dict of `Read` by key, or a list of `Read`."""

    value: Any
    place: Place
    text: str = ""
    """A scalar as it is written: an unquoted 0123 meant as text must not become 83."""
    plain: bool = False
    """Written without quotes: `yes` may then mean true, as it did in YAML 1.1."""
    filled: bool = False
    """Filled in from a variable: an error must not repeat it."""


@dataclass(frozen=True)
class Written:
    """A file that somebody has just written, and that is on no disk."""

    name: str
    text: str = field(repr=False)


Source = Path | Written


def read_source(source: Source) -> tuple[Read, list[Problem]]:
    """The file's top value and its duplicate keys. Raises Unreadable."""
    if isinstance(source, Path):
        return _read_file(source)
    if len(source.text.encode()) > MOST_BYTES:
        raise Unreadable(_too_large(source.name))
    return read_text(source.text, source.name)


def _read_file(path: Path) -> tuple[Read, list[Problem]]:
    name = path.name
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Unreadable(
            Problem(Place(str(path), 1), f"cannot be read: {error.strerror}")
        ) from error
    if len(content) > MOST_BYTES:
        raise Unreadable(_too_large(name))
    try:
        return read_text(content.decode(), name)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(Problem(Place(name, line), "is not UTF-8 text")) from error


def read_text(text: str, name: str) -> tuple[Read, list[Problem]]:
    """As `read_source`, for text at hand; `name` is what errors call it."""
    _check_brackets(text, name)
    yaml = YAML(typ="safe", pure=True)
    try:
        top = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(
            Problem(Place(name, mark.line + 1 if mark else 1), _said(error))
        ) from error
    except (YAMLError, ValueError) as error:
        raise Unreadable(
            Problem(Place(name, 1), "is not YAML: " + str(error).split("\n")[0])
        ) from error
    except RecursionError as error:
        raise Unreadable(Problem(Place(name, 1), "is nested too deeply")) from error
    if top is None:
        return Read({}, Place(name, 1)), []
    reader = _Reader(name, yaml.constructor)
    return reader.read(top, "", depth=0), reader.problems


def _too_large(name: str) -> Problem:
    return Problem(Place(name, 1), "is larger than 1 MiB and was not read")


def _check_brackets(text: str, name: str) -> None:
    # The scanner takes seconds over open brackets, long before anything is nested too deeply.
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth = depth + 1 if bracket[0] in "[{" else max(depth - 1, 0)
        if depth > MOST_OPEN:
            line = text.count("\n", 0, bracket.start()) + 1
            message = f"more than {MOST_OPEN} brackets are open here"
            raise Unreadable(Problem(Place(name, line), message))


def join(path: str, key: str) -> str:
    """The path of `key` inside the mapping at `path`."""
    if not (key.isascii() and key.replace("_", "").replace("-", "").isalnum()):
        return f"{path}[{ascii(key)}]"
    return f"{path}.{key}" if path else key


def _said(error: MarkedYAMLError) -> str:
    return "is not YAML: " + ", ".join(part for part in (error.context, error.problem) if part)


class _Reader:
    """Turns composed nodes into `Read`, counting them."""

    def __init__(self, name: str, constructor: BaseConstructor) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self._constructor = constructor
        self._seen: set[int] = set()
        self._repeated = 0

    def read(self, node: Node, path: str, *, depth: int) -> Read:
        place = Place(self.name, node.start_mark.line + 1, path)
        self._count(node, place, depth=depth)
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        if isinstance(node, SequenceNode):
            self._expect_tag(node, place, _CORE + "seq")
            items = [
                self.read(item, f"{path}[{index}]", depth=depth + 1)
                for index, item in enumerate(node.value)
            ]
            return Read(items, place)
        self._expect_tag(node, place, _CORE + "map")
        return Read(self._mapping(node, path, depth=depth), place)

    def _count(self, node: Node, place: Place, *, depth: int) -> None:
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > MOST_REPEATED:
            message = f"aliases repeat more than {MOST_REPEATED:,} values"
            raise Unreadable(Problem(place, message))
        if depth > MOST_DEPTH:
            raise Unreadable(Problem(place, f"is nested more than {MOST_DEPTH} levels deep"))

    def _expect_tag(self, node: Node, place: Place, tag: str) -> None:
        if str(node.tag) != tag:
            raise _refused_tag(node, place)

    def _scalar(self, node: ScalarNode, place: Place) -> Read:
        tag = str(node.tag)
        if tag not in _SCALARS:
            raise _refused_tag(node, place)
        if tag.endswith(("str", "timestamp")):
            return Read(node.value, place, text=node.value, plain=not node.style)
        try:
            return Read(
                self._constructor.construct_object(node), place, text=node.value, plain=True
            )
        except (YAMLError, ValueError) as error:
            raise Unreadable(Problem(place, f"{node.value!r} cannot be read as a value")) from error

    def _mapping(self, node: Node, path: str, *, depth: int) -> dict[str, Read]:
        found: dict[str, Read] = {}
        merged: dict[str, Read] = {}
        for key_node, value_node in node.value:
            key_place = Place(self.name, key_node.start_mark.line + 1, path)
            if str(key_node.tag) == _MERGE:
                for source in self._merge_sources(value_node, key_place, depth=depth + 1):
                    merged = self._mapping(source, path, depth=depth + 1) | merged
                continue
            key = self._key(key_node, key_place)
            place = Place(self.name, key_place.line, join(path, key))
            value = self.read(value_node, place.path, depth=depth + 1)
            if key in found:
                first = found[key].place.line
                self.problems.append(Problem(place, f"stands here twice, first in line {first}"))
            # The line of a key is where the key stands, also when its value begins further down.
            found[key] = replace(value, place=place)
        return merged | found

    def _merge_sources(self, node: Node, place: Place, *, depth: int) -> Iterator[Node]:
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(source, MappingNode):
                raise Unreadable(Problem(place, "<< takes a mapping or a list of mappings"))
            self._count(source, place, depth=depth)
            yield source

    def _key(self, node: Node, place: Place) -> str:
        if not isinstance(node, ScalarNode) or str(node.tag) not in _SCALARS:
            raise Unreadable(Problem(place, "a key must be plain text"))
        return str(node.value)


def _refused_tag(node: Node, place: Place) -> Unreadable:
    tag = ascii(str(node.tag).replace(_CORE, "!!"))
    return Unreadable(Problem(place, f"the tag {tag} is refused: files hold plain data only"))
