"""Reads parts of the policy document strictly; every error names the place it was found at."""

import math
from collections.abc import Mapping
from typing import Any

from accounts.policy.patterns import PatternError, Patterns, check_pattern


class PolicyError(ValueError):
    """The document cannot be used. `place` is where in it, in the words of the configuration."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place = place
        self.problem = problem


def mapping(value: object, place: str, *, keys: frozenset[str] | None = None) -> Mapping[str, Any]:
    """A mapping with text keys, all of them among `keys` when these are given; None is empty."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise PolicyError(place, "this must be a mapping")
    for key in value:
        if not isinstance(key, str) or not key:
            raise PolicyError(place, f"{key!r} cannot be a key")
        if keys is not None and key not in keys:
            raise PolicyError(f"{place}.{key}", f"unknown; known are {', '.join(sorted(keys))}")
    return value


def by_server(value: object, place: str) -> Mapping[str, Any]:
    """A mapping from exact names of servers; two that differ in case only are refused."""
    found = mapping(value, place)
    for name in found:
        if any(character in "*?/" or character.isspace() for character in name):
            raise PolicyError(
                f"{place}.{name}", "a server is named exactly, without * ? / or spaces"
            )
    if len({name.casefold() for name in found}) < len(found):
        raise PolicyError(place, "two servers whose names differ in case only")
    return found


def texts(value: object, place: str) -> tuple[str, ...]:
    """A list of texts; None is empty, a single text is an error (it would be read as letters)."""
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise PolicyError(place, "this must be a list of texts")
    return tuple(value)


def patterns(value: object, place: str, *, groups: Mapping[str, tuple[str, ...]]) -> Patterns:
    """A list of patterns, ready to match."""
    try:
        return Patterns(texts(value, place), groups)
    except PatternError as error:
        raise PolicyError(place, str(error)) from None


def groups(value: object, place: str) -> dict[str, tuple[str, ...]]:
    """Named groups of patterns; a group holds patterns, never another group."""
    found = {}
    for name, members in mapping(value, place).items():
        here = f"{place}.{name}"
        found[name] = texts(members, here)
        for member in found[name]:
            try:
                check_pattern(f"@{name}")
                check_pattern(member)
            except PatternError as error:
                raise PolicyError(here, str(error)) from None
            if member.startswith("@"):
                raise PolicyError(here, f"{member!r}: a group cannot hold a group")
    return found


def flag(value: object, place: str) -> bool:
    """True or false; None is false."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise PolicyError(place, "this must be true or false")
    return value


def word(value: object, place: str, *, of: tuple[str, ...], default: str) -> str:
    """One of a few words."""
    if value is None:
        return default
    if value not in of or not isinstance(value, str):
        raise PolicyError(place, f"{value!r} is unknown; known are {', '.join(of)}")
    return value


def text(value: object, place: str) -> str:
    """A text; None is the empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PolicyError(place, "this must be a text")
    return value


def number(value: object, place: str) -> float | None:
    """A finite number; None is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise PolicyError(place, "this must be a number")
    return value
