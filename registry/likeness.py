"""Whether a tool passes for one of another server: a name that reads alike, or talk of it. Pure.

Warnings for the eye of whoever decides. Names that are spelled with foreign letters do not come
this far (`registry.naming`); what is left are those that people take for one another.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.scanner import texts_of

# Shorter names are words that many servers use, such as "get" and "set".
SHORTEST = 5
MOST = 5

_WORD = re.compile(r"[A-Za-z0-9_.:/@+~-]+")
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "8": "b", "2": "z"})


@dataclass(frozen=True)
class Neighbour:
    """A tool of another server, by the names under which it could be meant."""

    server: str
    name: str
    qualified: str

    def __str__(self) -> str:
        return f"{self.server}/{self.name}"


def warnings(tool: Mapping[str, Any], name: str, neighbours: Iterable[Neighbour]) -> list[str]:
    """What connects the tool with tools of other servers, a sentence each, or none."""
    others = list(neighbours)
    named = [str(other) for other in _named_in(tool, others)]
    alike = [str(other) for other in others if _reads_alike(name, other.name)]
    found = []
    if named:
        found.append(f"its text names a tool of another server: {_some(named)}")
    if alike:
        found.append(f"its name reads like that of another server's tool: {_some(alike)}")
    return found


def _named_in(tool: Mapping[str, Any], others: list[Neighbour]) -> list[Neighbour]:
    """The tools that its texts call by name; a name that is a plain word may be just that word."""
    words = {word.strip(".:/") for text in texts_of(tool) for word in _WORD.findall(text)}
    marked = {word for text in texts_of(tool) for word in re.findall(r"[`'\"]([^`'\"\s]+)", text)}
    return [
        other
        for other in others
        if other.qualified in words
        or (other.name in (words if _is_identifier(other.name) else marked))
    ]


def _is_identifier(name: str) -> bool:
    return bool(re.search(r"[A-Za-z0-9][_.:/-][A-Za-z0-9]|[a-z][A-Z]", name))


def _reads_alike(name: str, other: str) -> bool:
    """Whether people may take one for the other. The very same name is not alike, but the same."""
    if name == other or min(len(name), len(other)) < SHORTEST:
        return False
    one, two = _skeleton(name), _skeleton(other)
    return one == two or _one_apart(one, two)


def _skeleton(name: str) -> str:
    """The name without what the eye slides over: case, separators, letters that look alike."""
    letters = re.sub(r"[^a-z0-9]", "", name.lower()).translate(_ALIKE)
    return letters.replace("rn", "m").replace("vv", "w").replace("cl", "d")


def _one_apart(one: str, two: str) -> bool:
    """Whether one letter more, less or other turns one into the other, or two that changed places.

    https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance of 1.
    """
    if abs(len(one) - len(two)) > 1:
        return False
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    left, right = one[start:], two[start:]
    if len(left) == len(right):
        swapped = left[:2] == right[:2][::-1] and left[2:] == right[2:]
        return left[1:] == right[1:] or swapped
    return left[1:] == right if len(left) > len(right) else left == right[1:]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
