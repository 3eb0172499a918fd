"""Sums over a period, reckoned by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from audit import record, usage
from audit.models import Entry
from audit.usage import By, Sums

NOTHING = Sums(
    questions=0,
    calls=0,
    refused=0,
    failed=0,
    input_tokens=0,
    output_tokens=0,
    cache_read_tokens=0,
    cache_write_tokens=0,
    cost=Decimal(0),
    unpriced=0,
    milliseconds_per_call=None,
)
ADA = record.Who(person="ada", role="dba", door="slack")
BOB = record.Who(person="bob", role="guest", door="web")


@pytest.fixture
def period(db: None) -> tuple[datetime, datetime]:
    """Ada asks twice, with three calls; Bob once, and is refused."""
    for who in (ADA, ADA, BOB):
        record.write("question.accepted", "ok", who=who)
    for tool, outcome, milliseconds in (("a", "ok", 10), ("a", "failed", 30), ("b", "ok", 20)):
        place = {"server": "s", "tool": tool}
        record.write("call.calling", "pending", who=ADA, **place)
        record.write("call.called", outcome, who=ADA, milliseconds=milliseconds, **place)
    record.write("call.refused", "refused", who=BOB, server="t", tool="a")
    tokens = {"input": 100, "output": 10, "cache_read": 5, "cache_write": None}
    # A turn has tokens too; only the question's own sum counts.
    record.write("model.turn", "ok", who=ADA, tokens=tokens, cost=Decimal("0.1"))
    record.write("question.ended", "ok", who=ADA, tokens=tokens, cost=Decimal("0.1"))
    record.write("question.ended", "ok", who=ADA, tokens=tokens, cost=None)
    record.write("question.ended", "ok", who=BOB, tokens=tokens, cost=Decimal("0.02"))
    now = timezone.now()
    return now - timedelta(minutes=5), now + timedelta(minutes=5)


def test_the_whole_period(period: tuple[datetime, datetime]) -> None:
    assert usage.total(*period) == Sums(
        questions=3,
        calls=3,
        refused=1,
        failed=1,
        input_tokens=300,
        output_tokens=30,
        cache_read_tokens=15,
        cache_write_tokens=0,
        cost=Decimal("0.12"),
        unpriced=1,
        milliseconds_per_call=20.0,
    )


@pytest.mark.parametrize(
    ("column", "names"),
    [(By.PERSON, ["ada", "bob"]), (By.ROLE, ["dba", "guest"]), (By.DOOR, ["slack", "web"])],
)
def test_by_person_role_and_door(
    period: tuple[datetime, datetime], column: By, names: list[str]
) -> None:
    sums = usage.by(column, *period)
    assert list(sums) == [(name,) for name in names]
    first, second = sums.values()
    assert (first.questions, first.calls, first.cost, first.unpriced) == (2, 3, Decimal("0.1"), 1)
    assert (second.questions, second.refused, second.cost) == (1, 1, Decimal("0.02"))


def test_by_tool_and_server(period: tuple[datetime, datetime]) -> None:
    tools = usage.by(By.TOOL, *period)
    assert {
        name: (s.calls, s.failed, s.refused, s.milliseconds_per_call) for name, s in tools.items()
    } == {
        ("s", "a"): (2, 1, 0, 20.0),
        ("s", "b"): (1, 0, 0, 20.0),
        ("t", "a"): (0, 0, 1, None),
    }
    assert {name: s.calls for name, s in usage.by(By.SERVER, *period).items()} == {
        ("s",): 3,
        ("t",): 0,
    }


def test_another_period_is_empty(period: tuple[datetime, datetime]) -> None:
    before = datetime(2020, 1, 1, tzinfo=UTC)
    assert usage.total(before, before + timedelta(days=1)) == NOTHING
    assert usage.by(By.PERSON, before, before + timedelta(days=1)) == {}


def test_the_end_of_a_period_belongs_to_the_next(db: None) -> None:
    entry: Entry = record.write("question.accepted", "ok")
    hour = timedelta(hours=1)
    assert usage.total(entry.at - hour, entry.at).questions == 0
    assert usage.total(entry.at, entry.at + hour).questions == 1
