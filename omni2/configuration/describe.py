"""The vocabulary as pages show it: `python -m omni2.configuration.describe docs/configuration.md`.

The page holds one table for each file between two marks; the rest of it is written by hand.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omni2.configuration.shapes import (
    Applied,
    Effect,
    Either,
    Ignored,
    ListOf,
    MapOf,
    Section,
    Shape,
    Stored,
    Variable,
    described,
)
from omni2.configuration.vocabulary import ALL_VOCABULARIES


@dataclass(frozen=True)
class Row:
    """One key: its path (`mcps[].url`, `roles.ROLE.color`), what it takes, what becomes of it."""

    path: str
    shape: Shape
    effect: Effect | None

    def __str__(self) -> str:
        takes = described(self.shape).replace("|", "\\|")
        return f"| `{self.path}` | {takes} | {_said(self.effect)} |"


def rows(shape: Shape, path: str = "", effect: Effect | None = None) -> Iterator[Row]:
    """Every key that holds a value of its own, in the order of the vocabulary."""
    effect = shape.effect or effect
    if isinstance(shape, Section):
        for key, inner in shape.keys.items():
            yield from rows(inner, f"{path}.{key}" if path else key, effect)
    elif isinstance(shape, MapOf):
        yield from rows(shape.value, f"{path}.{shape.key}", effect)
    elif isinstance(shape, ListOf) and isinstance(shape.item, Section | MapOf):
        yield from rows(shape.item, f"{path}[]", effect)
    else:
        yield Row(path, shape, effect)
        for option in shape.options if isinstance(shape, Either) else ():
            if isinstance(option, Section | MapOf):
                yield from rows(option, path, effect)


def table(vocabulary: Section) -> str:
    """The table of one file's keys, as Markdown."""
    head = ["| key | takes | what becomes of it |", "|---|---|---|"]
    return "\n".join([*head, *map(str, rows(vocabulary))])


def fill(page: str) -> str:
    """The page with its tables as the vocabulary has them now."""
    for name, vocabulary in ALL_VOCABULARIES.items():
        mark = re.escape(f"<!-- keys of {name} -->")
        marked = re.compile(f"({mark}\n).*?(\n<!-- end -->)", re.DOTALL)
        text = table(vocabulary).replace("\\", "\\\\")
        page = marked.sub(rf"\g<1>{text}\g<2>", page)
    return page


def _said(effect: Effect | None) -> str:
    match effect:
        case Applied(to=to):
            return to
        case Stored(to=to, because=because):
            return f"stored as {to}; no effect yet, because {because}"
        case Ignored(because=because):
            return f"no effect, because {because}"
        case Variable(name=name, note=note):
            return f"set `{name}` in the environment" + (f"; {note}" if note else "")
    return ""


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(fill(target.read_text()))
