"""The cases of a file, YAML or JSON lines; what is wrong with one is said with its place."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

MOST_CASES = 1000


class CasesWrong(Exception):
    """The file is no set of cases; the text says where, and what to write instead."""


@dataclass(frozen=True)
class Expected:
    """What must hold of the outcome; whatever is left out may be anything."""

    state: str = "answered"
    equals: str | None = None
    contains: tuple[str, ...] = ()
    # By their value: 1,234 and 1234 are the same.
    figures: tuple[str, ...] = ()
    # As server/tool, in any order; a * stands for anything.
    tools: tuple[str, ...] = ()
    must_not_call: tuple[str, ...] = ()
    max_cost: float | None = None
    max_turns: int | None = None
    max_unsupported: int | None = None


@dataclass(frozen=True)
class Case:
    """One question: the recorded one of this id, or the latest that says the same."""

    name: str
    question: str
    recorded: str
    person: str
    expected: Expected


_KEYS = {"name", "question", "recorded", "person", "expect"}
_LISTS = {"contains", "figures", "tools", "must_not_call"}
_NUMBERS = {"max_cost", "max_turns", "max_unsupported"}
_EXPECTED = {one.name for one in fields(Expected)}


def read(path: Path) -> list[Case]:
    """The cases of this file. Raises CasesWrong."""
    try:
        text = path.read_text(encoding="utf-8")
        rows = _json_lines(text) if path.suffix == ".jsonl" else _yaml(text)
    except (OSError, UnicodeError) as error:
        raise CasesWrong(f"{path}: {error}") from None
    except (ValueError, YAMLError) as error:
        raise CasesWrong(f"{path}: this cannot be read: {error}") from None
    if not isinstance(rows, list) or not rows:
        raise CasesWrong(f"{path}: a list of cases is expected, under `cases:`.")
    if len(rows) > MOST_CASES:
        raise CasesWrong(f"{path}: {len(rows)} cases; at most {MOST_CASES} are run.")
    return [_case(row, f"case {number}") for number, row in enumerate(rows, 1)]


def _json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _yaml(text: str) -> Any:
    top = YAML(typ="safe", pure=True).load(text)
    return top.get("cases") if isinstance(top, dict) else top


def _case(row: Any, place: str) -> Case:
    row = _mapping(row, place, _KEYS)
    said = {key: _text(row.get(key, ""), f"{place}: {key}") for key in _KEYS - {"expect"}}
    if not said["question"] and not said["recorded"]:
        raise CasesWrong(f"{place}: say a `question`, or the id of a `recorded` one.")
    name = said["name"] or said["question"][:60] or said["recorded"]
    expected = _expected(row.get("expect", {}), f"{place}: expect")
    return Case(name, said["question"], said["recorded"], said["person"].lower(), expected)


def _expected(row: Any, place: str) -> Expected:
    row = _mapping(row, place, _EXPECTED)
    return Expected(**dict(_values(row, place)))


def _values(row: Mapping[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        here = f"{place}.{key}"
        if key in _LISTS:
            listed = value if isinstance(value, list) else [value]
            yield key, tuple(_text(one, here) for one in listed)
        elif key in _NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise CasesWrong(f"{here}: a number from 0 is expected.")
            yield key, value
        else:
            yield key, _text(value, here)


def _mapping(row: Any, place: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise CasesWrong(f"{place}: keys and values are expected.")
    unknown = sorted(map(str, row.keys() - known))
    if unknown:
        raise CasesWrong(f"{place}: there is no {unknown[0]!r}; there are: {sorted(known)}.")
    return row


def _text(value: Any, place: str) -> str:
    """A text; a number or a date is taken as it is written in an answer."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise CasesWrong(f"{place}: a text is expected.")
    return str(value)
