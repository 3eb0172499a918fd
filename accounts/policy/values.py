"""Finds the values an argument rule speaks of, and refuses what could be read in two ways."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MAXIMUM_VALUES = 10_000
MAXIMUM_DEPTH = 64
_ABSENT = (None,)


class Unclear(ValueError):
    """The arguments cannot be judged; the message says why, without quoting them."""


def values_at(arguments: Mapping[str, Any], path: tuple[str, ...]) -> list[Any]:
    """Every value at a dotted path, lists taken element by element.

    Raises Unclear for a key that differs from the rule's in case or spelling only (the server may
    take it for the same), for a text or number where the path goes on, and for arguments too large.
    """
    found: list[Any] = []
    todo: list[tuple[Any, tuple[str, ...], int]] = [(arguments, path, 0)]
    while todo:
        node, rest, depth = todo.pop()
        length = len(node) if isinstance(node, (list, tuple)) else 1
        if depth > MAXIMUM_DEPTH or len(found) + len(todo) + length > MAXIMUM_VALUES:
            raise Unclear("the arguments are nested too deeply or too large to be judged")
        if isinstance(node, (list, tuple)):
            todo.extend((item, rest, depth + 1) for item in node)
        elif not rest:
            found.append(node)
        elif isinstance(node, Mapping):
            todo.extend((value, left, depth + 1) for value, left in _steps(node, rest))
        elif node is not None:
            raise Unclear(f"{'.'.join(path)} is expected inside an object")
    return found


def _steps(node: Mapping[Any, Any], rest: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """One step down. A key that itself holds the dots (`a.b`) counts as the path it spells."""
    for taken in range(1, len(rest) + 1):
        name = ".".join(rest[:taken])
        if name in node:
            yield node[name], rest[taken:]
        alike = _folded(name)
        for key in node:
            if key != name and _folded(key) == alike:
                raise Unclear(f"a key is written almost like {name}")


def _folded(key: object) -> str:
    text = key if isinstance(key, str) else str(key)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.strip().casefold()


class Looked:
    """Which of the arguments' own names rules with these paths can look at, also by mistake.

    What they do not look at changes no decision, whatever it holds.
    """

    __slots__ = ("_names",)

    def __init__(self, paths: Iterable[tuple[str, ...]]) -> None:
        self._names = {
            _folded(".".join(path[:taken])) for path in paths for taken in range(1, len(path) + 1)
        }

    def at(self, name: str) -> bool:
        """Whether one of the rules looks at this argument."""
        return _folded(name) in self._names
