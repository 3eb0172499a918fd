"""One entry to make many of: prepared once by the record's own writer, digested anew each time.

Preparing an entry costs ten times what its digest does. What differs between two of a template are
a few columns, and two names inside its contents.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from audit import chain
from audit.models import Entry

NAMES = ("id", *Entry.columns(), "digest")
PLACE = {name: number for number, name in enumerate(NAMES)}
# What stands in contents for the name of a customer and the number of a ticket.
CUSTOMER, TICKET = "Anybody Atall", "INC-0000000"

Cells = list[Any]


@dataclass(frozen=True)
class Template:
    """A prepared entry, taken apart."""

    entry: Entry

    @cached_property
    def cells(self) -> tuple[Any, ...]:
        """Every column as a database takes it as text; None is null."""
        return tuple(_cell(name, getattr(self.entry, name)) for name in NAMES)

    @cached_property
    def covered(self) -> dict[str, Any]:
        """What the digest is over."""
        columns = {name: getattr(self.entry, name) for name in Entry.columns()}
        return chain.covered(columns)

    @cached_property
    def named(self) -> tuple[tuple[str, str], ...]:
        """The contents that name a customer or a ticket, in their canonical spelling."""
        contents = {
            name: chain.canonical(getattr(self.entry, name)).decode()
            for name in sorted(chain.CONTENT_COLUMNS)
        }
        return tuple(
            (name, text) for name, text in contents.items() if CUSTOMER in text or TICKET in text
        )

    def row(
        self, key: int, changes: Mapping[str, Any], *, customer: str, ticket: str
    ) -> tuple[Cells, str]:
        """Another entry of this kind, as cells, and its digest."""
        cells, covered = list(self.cells), dict(self.covered)
        cells[0] = key
        for name, value in changes.items():
            cells[PLACE[name]] = covered[name] = value
        for name, text in self.named:
            said = text.replace(CUSTOMER, customer).replace(TICKET, ticket)
            digest = hashlib.sha256(said.encode()).hexdigest()
            cells[PLACE[name]] = _unquoted(said) if name == "preview" else said
            covered[name] = digest
            if name == "arguments":
                cells[PLACE["arguments_digest"]] = covered["arguments_digest"] = digest
        cells[-1] = chain.leaf_of(covered)
        return cells, cells[-1]


def _unquoted(said: str) -> str:
    """A text whose canonical spelling has nothing escaped in it."""
    return said[1:-1]


def _cell(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (int, str)):
        return value
    return (
        chain.canonical(value).decode() if isinstance(value, (dict, list)) else chain.plain(value)
    )
