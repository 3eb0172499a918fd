"""What happens in the company of one stretch of time: whole questions, direct calls, logins."""

import random
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from audit import chain
from audit.generation.company import DOOR_WEIGHTS, DOORS, Company, Person
from audit.generation.templates import Template

T = TypeVar("T")
# By the hour of the day in UTC, on a day of work; on others a fifth of it.
_HOURS = (1, 1, 1, 1, 1, 2, 6, 14, 22, 26, 26, 22, 18, 24, 26, 24, 18, 10, 6, 4, 3, 2, 1, 1)


class Calendar:
    """Moments of a period, most of them in the hours of work."""

    def __init__(self, since: datetime, days: int) -> None:
        self._since, total = since, 0.0
        self._until: list[float] = []
        for hour in range(24 * days):
            at = since + timedelta(hours=hour)
            total += _HOURS[at.hour] * (1.0 if at.weekday() < 5 else 0.2)
            self._until.append(total)

    def moment(self, part: float) -> datetime:
        """When this part, from 0 to 1, of all that happens has happened."""
        work = part * self._until[-1]
        hour = min(bisect(self._until, work), len(self._until) - 1)
        before = self._until[hour - 1] if hour else 0.0
        within = (work - before) / (self._until[hour] - before)
        return self._since + timedelta(hours=hour + within)


@dataclass(frozen=True)
class Happened:
    """One entry to be: when, of which template, with what of its own."""

    at: datetime
    template: Template
    changes: dict[str, Any]
    customer: str
    ticket: str


@dataclass
class Story:
    """One thing after the other, by one person through one door."""

    chance: random.Random
    company: Company
    at: datetime
    told: list[Happened] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.person: Person = self.choose(self.company.people)
        self.door = self.chance.choices(DOORS, weights=DOOR_WEIGHTS)[0]
        self.customer = self.choose(self.company.customers)
        self.ticket = f"INC-{self.chance.randrange(10**7):07}"
        self.question = ""

    def choose(self, things: Sequence[T]) -> T:
        """One of them, the first most often."""
        return things[int(len(things) * self.chance.random() ** 3)]

    def identity(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def tell(self, template: Template, seconds: float, **changes: Any) -> None:
        """Let this happen `seconds` later, with these columns of its own."""
        self.at += timedelta(seconds=seconds)
        own: dict[str, Any] = {"at": chain.plain(self.at), **changes}
        if template.entry.person:
            own |= {**self.person.columns, "door": self.door}
            if self.door in ("rest", "mcp"):
                own["api_key"] = self.person.key
        if self.question:
            own["question"] = self.question
        self.told.append(Happened(self.at, template, own, self.customer, self.ticket))

    def milliseconds(self, usual: float) -> int:
        return int(self.chance.lognormvariate(0, 0.9) * usual)


def question(story: Story) -> None:
    """Asked, some turns with calls, and its end."""
    story.question = story.identity()
    began = story.at
    story.tell(story.choose(story.company.questions), 0)
    calls = story.chance.choices((0, 1, 2, 3), weights=(10, 45, 30, 15))[0]
    spent = 0.0
    for left in range(calls, -1, -1):
        spent += _turn(story, left)
        if left:
            _call(story)
    failed = story.chance.random() < 0.03
    story.tell(
        story.company.ended[failed],
        0.05,
        cost=f"{spent:.8f}",
        milliseconds=int((story.at - began).total_seconds() * 1000) + 50,
        **_tokens(story),
    )


def direct(story: Story) -> None:
    """A tool called by a program or over MCP."""
    _call(story)


def other(story: Story) -> None:
    """A login, a key used, a change in the admin."""
    story.tell(story.choose(story.company.others), 0)


def _turn(story: Story, left: int) -> float:
    took = story.milliseconds(1500)
    cost = story.chance.lognormvariate(-4.5, 0.8)
    story.tell(
        story.company.turns[left],
        took / 1000,
        cost=f"{cost:.8f}",
        milliseconds=took,
        **_tokens(story),
    )
    return cost


def _tokens(story: Story) -> dict[str, int]:
    return {
        "input_tokens": story.milliseconds(2500) + 1,
        "output_tokens": story.milliseconds(250) + 1,
    }


def _call(story: Story) -> None:
    tool, call = story.choose(story.company.tools), story.identity()
    way = story.chance.choice(tool.ways)
    decided = {"decision_id": f"{story.chance.getrandbits(64):016x}"}
    fate = story.chance.random()
    if fate < 0.04:
        story.tell(way["refused"], 0.01, **decided)
        return
    if fate < 0.06:
        story.tell(way["asked"], 0.01, **decided)
        story.tell(way["given"], story.chance.expovariate(1 / 120))
    became = "failed" if fate > 0.96 else "unknown" if fate > 0.957 else "done"
    took = story.milliseconds(300)
    story.tell(way["calling"], 0.01, call=call, **decided)
    story.tell(way[became], took / 1000, call=call, milliseconds=took, **decided)


_STORIES: tuple[Callable[[Story], None], ...] = (question, direct, other)
_WEIGHTS = (60, 22, 18)


def happened(
    company: Company, chance: random.Random, moments: Iterator[datetime]
) -> Iterator[Happened]:
    """Stories that begin at these moments, entry by entry, one story after the other."""
    for at in moments:
        story = Story(chance, company, at)
        chance.choices(_STORIES, weights=_WEIGHTS)[0](story)
        yield from story.told
