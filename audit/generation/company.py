"""A company that never was: its people, servers and tools, and what entries about them say."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from audit.generation import entries
from audit.generation.templates import Template
from audit.models import Entry

PEOPLE, CUSTOMERS, TOOLS_OF_ONE, WAYS = 400, 5000, 8, 3
ROLES = ("admin", "developer", "analyst", "support", "sales", "viewer")
DOORS = ("slack", "web", "mcp", "rest", "cli")
DOOR_WEIGHTS = (45, 25, 15, 12, 3)
TOPICS = ("sales", "crm", "billing", "tickets", "inventory", "wiki", "metrics", "deploys", "hr")
KINDS = ("_mcp", "_archive", "_reports")
DEEDS = ("get", "list", "search", "count", "export", "update", "create", "delete")
THINGS = ("orders", "invoices", "contracts", "incidents", "accounts", "releases", "leads", "stock")
SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "za", "gar", "hol", "mar")


@dataclass(frozen=True)
class Person:
    """Who does things, and from where."""

    columns: Mapping[str, str]
    key: str


@dataclass(frozen=True)
class Tool:
    """A tool, and the entries of calls of it: several ways, each by what becomes of the call."""

    server: str
    name: str
    seed: str

    @cached_property
    def ways(self) -> list[dict[str, Template]]:
        """Prepared when the tool is first called."""
        chance = random.Random(f"{self.seed} {self.server} {self.name}")
        return [entries.calls(self.server, self.name, chance=chance) for _ in range(WAYS)]


class Company:
    """The same one for the same seed. The first of its lists are the busiest."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.customers = [self._name() for _ in range(CUSTOMERS)]
        self.people = [self._person(number) for number in range(PEOPLE)]
        servers = [topic + kind for kind in KINDS for topic in TOPICS]
        names = [f"{deed}_{thing}" for deed in DEEDS for thing in THINGS]
        self.tools = [
            Tool(server, name, str(seed))
            for server in servers
            for name in self._chance.sample(names, TOOLS_OF_ONE)
        ]
        self.questions = [entries.question(phrase) for phrase in entries.PHRASES]
        self.turns = [entries.turn(tools) for tools in range(4)]
        self.ended = [
            entries.ended(outcome) for outcome in (Entry.Outcome.OK, Entry.Outcome.FAILED)
        ]
        self.others = entries.others()

    def _name(self) -> str:
        words = (self._chance.choices(SYLLABLES, k=self._chance.randint(2, 3)) for _ in range(2))
        return " ".join("".join(word) for word in words).title()

    def _person(self, number: int) -> Person:
        first, _, last = self._name().lower().partition(" ")
        email = f"{first}.{last}{number}@example.com"
        role = self._chance.choices(ROLES, weights=range(1, len(ROLES) + 1))[0]
        address = f"198.51.{100 + number % 2}.{number % 250 + 1}"
        columns = {"person": email, "role": role, "address": address}
        return Person(columns, key=f"{self._chance.getrandbits(48):012x}")
