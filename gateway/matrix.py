"""The access matrix: what the policy says of every tool for several roles or people, side by side.

One decision for each cell, by the function that a call asks; nothing is read for a single cell. Two
policies may be laid over each other: what changes for whom.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils import timezone

from accounts import access
from accounts.models import PolicyVersion, Role, User
from accounts.policy import Decision, Effect, Policy, PolicyError, Subject, compile_policy, listing
from accounts.policy import Verdict as LayerVerdict
from audit.export import csv_line
from audit.numerals import is_digits
from gateway.errors import BadRequest
from gateway.explain import find_person, find_role, somebody_of
from gateway.toolbox import target_of
from registry import catalogue
from registry.models import Tool

MAXIMUM_COLUMNS = 40
USUAL_PEOPLE = 12
PARAMETERS = ("of", "who", "server", "search", "differences", "version", "against")


class Verdict(StrEnum):
    """What a cell says."""

    ALLOW = "allow"
    DEPENDS = "depends on arguments"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Cell:
    """A verdict, and the layer and rule that give it.

    `bypassed` names the rules that hold for everybody else; "" where none had to be passed.
    """

    verdict: Verdict
    layer: str
    rule: str
    bypassed: str = ""


@dataclass(frozen=True)
class Column:
    """Somebody of a role, or a person."""

    kind: str
    name: str
    label: str
    subject: Subject


@dataclass(frozen=True)
class Row:
    """One tool: its cells, and what they were under the other policy."""

    server: str
    tool: str
    cells: tuple[Cell, ...]
    before: tuple[Cell, ...] | None = None

    @property
    def differs(self) -> bool:
        """Whether the policies differ here; with one policy alone, whether the columns do."""
        verdicts = [cell.verdict for cell in self.cells]
        if self.before is not None:
            return verdicts != [cell.verdict for cell in self.before]
        return len(set(verdicts)) > 1


@dataclass(frozen=True)
class Matrix:
    """The columns, and a row for each tool in the order of servers and names."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    version: str
    against: str = ""

    def as_json(self) -> dict[str, Any]:
        """Small enough for 20,000 cells: each distinct cell once, and numbers that point to it."""
        places: dict[Cell, int] = {}
        servers: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows:
            shown: dict[str, Any] = {"tool": row.tool, "cells": _numbers(row.cells, places)}
            if row.before is not None:
                shown["before"] = _numbers(row.before, places)
            servers.setdefault(row.server, []).append(shown)
        return {
            "policy_version": self.version,
            "against": self.against or None,
            "columns": [
                {"kind": one.kind, "name": one.name, "label": one.label} for one in self.columns
            ],
            "cells": [
                {
                    "verdict": one.verdict,
                    "layer": one.layer,
                    "rule": one.rule,
                    "bypassed": one.bypassed,
                }
                for one in places
            ],
            "servers": [
                {"server": name, "counts": self._counts(name), "tools": tools}
                for name, tools in servers.items()
            ],
        }

    def _counts(self, server: str) -> list[dict[str, int]]:
        rows = [row.cells for row in self.rows if row.server == server]
        return [
            dict(Counter(str(cells[place].verdict) for cells in rows))
            for place in range(len(self.columns))
        ]

    def as_csv(self) -> Iterator[str]:
        """A line for each tool; each cell is its verdict and rule."""
        yield csv_line(("server", "tool", *(one.name for one in self.columns)))
        for row in self.rows:
            before = row.before or (None,) * len(row.cells)
            said = (_said(*pair) for pair in zip(row.cells, before, strict=True))
            yield csv_line((row.server, row.tool, *said))


def _numbers(cells: Iterable[Cell], places: dict[Cell, int]) -> list[int]:
    return [places.setdefault(cell, len(places)) for cell in cells]


def _said(cell: Cell, before: Cell | None) -> str:
    text = f"{cell.verdict}: {cell.rule}"
    text += f" (bypasses {cell.bypassed})" if cell.bypassed else ""
    changed = before is not None and before.verdict != cell.verdict
    return f"{before.verdict} → {text}" if before is not None and changed else text


# --- What is wanted -------------------------------------------------------------------------------
@dataclass(frozen=True)
class Wanted:
    """Whose columns, which rows, under which version, against which other one."""

    of: str = "roles"
    who: tuple[str, ...] = ()
    server: str = ""
    search: str = ""
    differences: bool = False
    version: str = ""
    against: str = ""

    @classmethod
    def read(cls, parameters: Mapping[str, Any], who: Iterable[str]) -> "Wanted":
        """From an address; names of people and roles are separated by commas. BadRequest."""
        for name in parameters:
            if name not in PARAMETERS:
                known = ", ".join(PARAMETERS)
                message = f"There is no such parameter; there are: {known}."
                raise BadRequest(message, field=str(name)[:100])
        of = parameters.get("of") or "roles"
        if of not in ("roles", "people"):
            raise BadRequest("This is roles or people.", field="of")
        names = (part.strip() for text in who for part in text.split(","))
        return cls(
            of=of,
            who=tuple(dict.fromkeys(name for name in names if name)),
            server=parameters.get("server", ""),
            search=parameters.get("search", "").lower(),
            differences=parameters.get("differences", "") in ("true", "1", "on"),
            version=parameters.get("version", ""),
            against=parameters.get("against", ""),
        )


def columns(wanted: Wanted) -> tuple[Column, ...]:
    """The columns that are wanted; of nobody in particular, all roles, or the first people."""
    if len(wanted.who) > MAXIMUM_COLUMNS:
        raise BadRequest(f"There may be at most {MAXIMUM_COLUMNS} columns.", field="who")
    if wanted.of == "people":
        usual = User.objects.select_related("role").order_by("email")[:USUAL_PEOPLE]
        people = [find_person(email) for email in wanted.who] or list(usual)
        return tuple(_column_of_person(person) for person in people)
    usual_roles = Role.objects.order_by("name")[:MAXIMUM_COLUMNS]
    roles = [find_role(name) for name in wanted.who] or list(usual_roles)
    return tuple(_column_of_role(role) for role in roles)


def _column_of_person(person: User) -> Column:
    return Column("person", person.email, str(person), access.subject_of(person))


def _column_of_role(role: Role) -> Column:
    return Column("role", role.name, str(role), somebody_of(role))


# --- The reckoning --------------------------------------------------------------------------------
def reckon(wanted: Wanted) -> Matrix:
    """Decide every cell. Raises BadRequest for what is not there, PolicyUnavailable."""
    version = _policy(wanted.version, "version")
    against = _policy(wanted.against, "against") if wanted.against else None
    found = columns(wanted)
    now = timezone.now()
    tools = _tools(wanted)
    after = _cells(version, found, tools, now)
    before = _cells(against, found, tools, now) if against else [None] * len(tools)
    rows = (
        Row(tool.server.name, tool.name, cells, earlier)
        for tool, cells, earlier in zip(tools, after, before, strict=True)
    )
    shown = tuple(row for row in rows if row.differs or not wanted.differences)
    return Matrix(found, shown, version.digest, against.digest if against else "")


def _policy(number: str, place: str) -> Policy:
    """The policy of this version; of none, the one in force."""
    if not number:
        return access.current()[0]
    known = is_digits(number, 18)
    row = PolicyVersion.objects.filter(pk=int(number)).first() if known else None
    if row is None:
        raise BadRequest("There is no version of this number.", field=place)
    try:
        return compile_policy(row.document)
    except PolicyError as error:
        raise BadRequest(f"This version cannot be read: {error}", field=place) from None


def _tools(wanted: Wanted) -> list[Tool]:
    found = (
        tool
        for tool in catalogue.everything()
        if tool.state != Tool.State.GONE
        if not wanted.server or tool.server.name == wanted.server
        if wanted.search in f"{tool.server.name}/{tool.name}".lower()
    )
    return sorted(found, key=lambda tool: (tool.server.name, tool.name))


def _cells(
    policy: Policy, columns: Iterable[Column], tools: list[Tool], now: datetime
) -> list[tuple[Cell, ...]]:
    """For each tool its cells, one for each column."""
    targets = [target_of(tool) for tool in tools]
    rules = [_argument_rules(policy, tool) for tool in tools]
    of_columns = [
        map(_cell, listing.decisions(policy, one.subject, targets, now), rules) for one in columns
    ]
    return list(zip(*of_columns, strict=True)) or [()] * len(tools)


def _argument_rules(policy: Policy, tool: Tool) -> str:
    """The rules that bind an argument the tool takes, as far as its schema says what it takes.

    Those for databases stand in for every tool; they matter where there is such an argument.
    """
    properties = tool.input_schema.get("properties")
    taken = properties if isinstance(properties, dict) else {}
    rules = policy.argument_rules_for(tool.server.name, tool.name)
    binding = (
        rule.label for rule in rules if rule not in policy.database_rules or rule.path[0] in taken
    )
    return ", ".join(binding)


def _cell(decision: Decision, argument_rules: str) -> Cell:
    # Whoever is refused further on has passed nothing.
    bypassed = "" if decision.effect is Effect.DENY else ", ".join(decision.bypassed)
    if decision.effect is Effect.ALLOW and argument_rules and _waits_for_arguments(decision):
        rule = f"{argument_rules} (allowed by {decision.rule})"
        return Cell(Verdict.DEPENDS, "arguments", rule, bypassed)
    return Cell(Verdict(decision.effect), str(decision.layer), decision.rule, bypassed)


def _waits_for_arguments(decision: Decision) -> bool:
    return any(step.verdict == LayerVerdict.UNKNOWN for step in decision.trace)
