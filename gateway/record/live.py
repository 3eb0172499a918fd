"""What is going on at this moment: questions under way, approvals that wait, servers in trouble."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils import timezone

from gateway.models import Approval, Question
from registry.models import Server

SHOWN = 20


@dataclass(frozen=True)
class UnderWay:
    """A question that has not ended; what was asked stands in the record."""

    id: str
    person: str
    door: str
    state: str
    since: datetime


@dataclass(frozen=True)
class InTrouble:
    """A server that is down, or left alone by its breaker until a call tries it again."""

    server: str
    health: str
    failures: int
    closed_until: datetime | None


@dataclass(frozen=True)
class Live:
    """One look; `oldest` are at most 20 of the questions under way."""

    at: datetime
    queued: int
    running: int
    waiting: int
    oldest: list[UnderWay]
    approvals: int
    servers: int
    trouble: list[InTrouble]


def look() -> Live:
    """How things stand now."""
    unfinished = Question.objects.unfinished().order_by()
    counted = dict(unfinished.values_list("state").annotate(Count("pk")))
    oldest = unfinished.select_related("person").defer("text").order_by("created_at")[:SHOWN]
    servers = Server.objects.enabled().select_related("breaker")
    return Live(
        at=timezone.now(),
        queued=counted.get(Question.State.QUEUED, 0),
        running=counted.get(Question.State.RUNNING, 0),
        waiting=counted.get(Question.State.WAITING, 0),
        oldest=[
            UnderWay(str(row.pk), row.person.email, row.door, row.state, row.created_at)
            for row in oldest
        ],
        approvals=Approval.objects.waiting().count(),
        servers=len(servers),
        trouble=list(_in_trouble(servers)),
    )


def _in_trouble(servers: Iterable[Server]) -> Iterable[InTrouble]:
    for server in servers:
        breaker = getattr(server, "breaker", None)
        closed_until = breaker.closed_until if breaker else None
        if closed_until or server.health == Server.Health.DOWN:
            failures = breaker.failures if breaker else 0
            yield InTrouble(server.name, server.health, failures, closed_until)
