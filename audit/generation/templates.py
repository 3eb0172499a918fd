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

NAMES = ("id", *Entry.columns(), "salt", "digest")
PLACE = {name: number for number, name in enumerate(NAMES)}
GROUP = {name: group for group, names in chain.GROUPS.items() for name in names}
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
    def ungrouped(self) -> dict[str, Any]:
        """What stands in the digest as it is: columns that belong to no group and are not empty."""
        columns = {name: getattr(self.entry, name) for name in Entry.columns()}
        return {
            name: value
            for name, value in columns.items()
            if name not in GROUP and value not in (None, "")
        }

    @cached_property
    def grouped(self) -> dict[str, str]:
        """The columns of groups that are not empty, in their canonical spelling."""
        columns = {name: getattr(self.entry, name) for name in GROUP}
        return {
            name: chain.canonical(value).decode()
            for name, value in columns.items()
            if value not in (None, "")
        }

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
        cells, ungrouped, grouped = list(self.cells), dict(self.ungrouped), dict(self.grouped)
        cells[0] = key
        for name, value in changes.items():
            cells[PLACE[name]] = value
            if name in GROUP:
                grouped[name] = chain.canonical(value).decode()
            else:
                ungrouped[name] = value
        for name, text in self.named:
            said = text.replace(CUSTOMER, customer).replace(TICKET, ticket)
            cells[PLACE[name]] = _unquoted(said) if name == "preview" else said
            grouped[name] = said
            if name == "arguments":
                digest = hashlib.sha256(said.encode()).hexdigest()
                cells[PLACE["arguments_digest"]], grouped["arguments_digest"] = (
                    digest,
                    f'"{digest}"',
                )
        # Made up like the rest, so that the same seed makes the same record.
        salt = hashlib.sha256(b"salt %d" % key).hexdigest()
        cells[PLACE["salt"]], cells[-1] = salt, _digest(ungrouped, grouped, salt)
        return cells, cells[-1]


def _digest(ungrouped: Mapping[str, Any], grouped: Mapping[str, str], salt: str) -> str:
    """What `chain.salted_leaf` makes of these columns, those of groups spelled already."""
    covered = dict(ungrouped)
    for group, names in chain.GROUPS.items():
        own = ",".join(f'"{name}":{grouped[name]}' for name in sorted(names) if name in grouped)
        said = salt[chain.SALTS[group]] + "{" + own + "}"
        covered[group] = hashlib.sha256(chain.GROUP_TAG + said.encode()).hexdigest()
    return hashlib.sha256(chain.SALTED_TAG + chain.canonical(covered)).hexdigest()


def _unquoted(said: str) -> str:
    """A text whose canonical spelling has nothing escaped in it."""
    return said[1:-1]


def _cell(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (int, str)):
        return value
    return (
        chain.canonical(value).decode() if isinstance(value, (dict, list)) else chain.plain(value)
    )
