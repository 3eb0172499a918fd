"""A tool's result made readable without a model: JSON becomes short lines and small tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ROWS, _COLUMNS, _CELL = 20, 8, 80
_LINES = 60
_DEPTH = 6


def readable(text: str) -> str:
    """The text as it is, or what its JSON says, in Markdown."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()
    if not isinstance(value, dict | list):
        return text.strip()
    while isinstance(value, dict) and len(value) == 1 and _is_nested(next(iter(value.values()))):
        value = next(iter(value.values()))
    return _shown(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _shown(value: Any) -> str:
    if not value:
        return "The result is empty."
    if isinstance(value, list) and _is_table(value):
        return _table(value)
    lines = list(_lines(value, path="", depth=0))
    more = len(lines) - _LINES
    return "\n".join([*lines[:_LINES], *([f"- … and {more} more lines"] if more > 0 else [])])


def _is_table(rows: Sequence[Any]) -> bool:
    """Whether these are objects of the same few plain fields."""
    if len(rows) < 2 or not all(isinstance(row, dict) and row for row in rows):
        return False
    columns = _columns(rows)
    plain = all(not _is_nested(value) for row in rows for value in row.values())
    return plain and len(columns) <= _COLUMNS


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = _columns(rows)
    lines = [_row(columns), _row(["---"] * len(columns))]
    lines += [_row([_plain(row.get(name, "")) for name in columns]) for row in rows[:_ROWS]]
    if len(rows) > _ROWS:
        lines += ["", f"… and {len(rows) - _ROWS} more rows"]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    cleaned = [" ".join(cell.split()).replace("|", "\\|") for cell in cells]
    cut = [cell if len(cell) <= _CELL else cell[: _CELL - 1] + "…" for cell in cleaned]
    return f"| {' | '.join(cut)} |"


def _lines(value: Any, *, path: str, depth: int) -> Iterator[str]:
    if depth > _DEPTH:
        yield f"- {path}: …"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _lines(inner, path=f"{path}.{name}" if path else name, depth=depth + 1)
    elif isinstance(value, list) and any(map(_is_nested, value)):
        for number, inner in enumerate(value, start=1):
            yield from _lines(inner, path=f"{path} {number}".strip(), depth=depth + 1)
    elif isinstance(value, list) and not path:
        yield from (f"- {_plain(inner)}" for inner in value)
    else:
        shown = ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
        yield f"- {path}: {shown}"


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
