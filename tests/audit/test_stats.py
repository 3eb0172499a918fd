"""What the sums say: of whole periods, over time, and in order."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from audit import rollup, stats
from audit.errors import BadFilter
from audit.models import Entry
from audit.rollup import Place
from tests.audit.counting import ADA, DEV, NOON, happened, put, question, refusal

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0, minute=0)


@pytest.fixture
def counted(db: None) -> None:
    """Ada asked four days in a row, each dearer and slower; dev had a call fail and one refused."""
    entries: list[Entry] = []
    for day in range(4):
        entries += question(
            NOON + day * DAY,
            calls=[("sales", "find")] * (day + 1),
            cost=f"0.0{day + 1}",
            milliseconds=10 ** (day + 1),
        )
    entries += question(NOON, DEV, calls=[("crm", "get")], call_outcome="failed", cost=None)
    put(*entries, refusal(NOON + DAY))
    rollup.roll_up()


def whole(start: datetime = MIDNIGHT, end: datetime = MIDNIGHT + 4 * DAY) -> stats.Period:
    return stats.period(start, end)


# --- Periods --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("since", "until", "asked", "found"),
    [
        (NOON, NOON + HOUR, "", (NOON.replace(minute=0), NOON + 1.5 * HOUR, "hour")),
        (NOON, NOON + 3 * DAY, "", (NOON - HOUR / 2, NOON + 3 * DAY + HOUR / 2, "hour")),
        (NOON, NOON + 4 * DAY, "", (MIDNIGHT, MIDNIGHT + 5 * DAY, "day")),
        (NOON, NOON + HOUR, "day", (MIDNIGHT, MIDNIGHT + DAY, "day")),
        (MIDNIGHT, MIDNIGHT + HOUR, "hour", (MIDNIGHT, MIDNIGHT + HOUR, "hour")),
    ],
)
def test_a_period_is_whole_hours_or_days(
    since: datetime, until: datetime, asked: str, found: Any
) -> None:
    when = stats.period(since, until, asked)
    assert (when.start, when.end, when.granularity) == found


@pytest.mark.parametrize(
    ("until", "granularity", "field"),
    [
        (NOON, "", "to"),
        (NOON - HOUR, "", "to"),
        (NOON + 801 * HOUR, "hour", "from"),
        (NOON + 801 * DAY, "", "from"),
    ],
)
def test_a_period_of_nothing_or_of_too_much_is_refused(
    until: datetime, granularity: str, field: str
) -> None:
    with pytest.raises(BadFilter) as refused:
        stats.period(NOON, until, granularity)
    assert refused.value.field == field


# --- Sums -----------------------------------------------------------------------------------------
def test_the_whole_period_is_added_up(counted: None) -> None:
    found = stats.total(whole())
    assert (found.questions, found.answered, found.ended) == (5, 5, 5)
    assert (found.calls, found.calls_failed, found.calls_refused) == (11, 1, 1)
    assert (found.input_tokens, found.output_tokens) == (500, 50)
    assert (found.cost, found.unpriced) == (Decimal("0.10"), 1)


def test_percentiles_are_of_all_calls_of_the_period(counted: None) -> None:
    found = stats.total(whole(), Place("server", "sales")).call_latency
    assert found.mean == (10 + 2 * 100 + 3 * 1000 + 4 * 10000) / 10
    assert found.p50 == pytest.approx(1000, rel=0.05)
    assert found.p90 == found.p99 == pytest.approx(10_000, rel=0.05)


@pytest.mark.parametrize(
    ("since", "until", "questions"),
    [
        (NOON - HOUR / 2, NOON + HOUR / 2, 2),
        (NOON + HOUR / 2, NOON + 2 * HOUR, 0),
        (NOON - HOUR, NOON + 3 * DAY - HOUR, 4),
        (NOON + HOUR / 2, NOON + 3 * DAY + HOUR / 2, 3),
        (NOON + HOUR / 2, NOON + 3 * DAY - HOUR / 2, 2),
    ],
)
def test_a_period_is_exact_to_the_hour_however_long(
    counted: None, since: datetime, until: datetime, questions: int
) -> None:
    assert stats.total(stats.period(since, until, "hour")).questions == questions


def test_any_period_is_what_its_hours_add_up_to(db: None) -> None:
    chance = Random(11)
    days = [NOON + chance.randrange(40 * 24) * HOUR for _ in range(60)]
    put(*(one for at in days for one in question(at, chance.choice([ADA, DEV]))))
    rollup.roll_up()

    for _ in range(80):
        first, second = sorted(chance.sample(range(-30, 41 * 24), 2))
        when = stats.Period(MIDNIGHT + first * HOUR, MIDNIGHT + second * HOUR, "hour")
        of = [at for at in days if when.start <= at < when.end]
        found = stats.total(when)
        assert (found.questions, found.cost) == (len(of), len(of) * Decimal("0.01"))
        ranked = stats.ranking(when, "person", order="questions", limit=9)
        assert sum(one.questions for _, one in ranked) == len(of)


def test_a_long_period_is_read_from_few_rows(db: None) -> None:
    put(*(one for day in range(90) for one in question(NOON + day * DAY)))
    rollup.roll_up()
    when = stats.Period(MIDNIGHT + 13 * HOUR, MIDNIGHT + 89 * DAY + 12 * HOUR, "hour")
    rows = stats._within(when).filter(dimension="total")
    assert sorted(Counter(rows.values_list("granularity", flat=True)).items()) == [
        ("day", 11),
        ("week", 11),
    ]


def test_where_nothing_happened_there_are_zeros_and_no_percentiles(db: None) -> None:
    found = stats.total(whole())
    assert (found.questions, found.cost) == (0, 0)
    assert found.call_latency == stats.Latency(None, None, None, None)


# --- Over time ------------------------------------------------------------------------------------
def test_a_series_has_every_day_of_the_period(counted: None) -> None:
    found = stats.series(whole(MIDNIGHT - DAY), Place("person", "ada@example.com"))
    assert [(at, day.questions, day.calls) for at, day in found] == [
        (MIDNIGHT - DAY, 0, 0),
        (MIDNIGHT, 1, 1),
        (MIDNIGHT + DAY, 1, 2),
        (MIDNIGHT + 2 * DAY, 1, 3),
        (MIDNIGHT + 3 * DAY, 1, 4),
    ]


def test_a_series_has_every_hour_of_a_short_period(counted: None) -> None:
    found = stats.series(stats.period(NOON - HOUR, NOON + HOUR))
    assert [(at.hour, hour.questions) for at, hour in found] == [(11, 0), (12, 2), (13, 0)]


# --- In order -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("dimension", "order", "found"),
    [
        ("person", "questions", [ADA.person, DEV.person]),
        ("person", "cost", [ADA.person]),
        ("person", "refused", [DEV.person]),
        ("role", "calls", ["dba", "developer"]),
        ("server", "slow", ["sales", "crm"]),
        ("server", "failed", ["crm"]),
        ("tool", "cost", ["find"]),
        ("tool", "tokens", ["find", "get"]),
        ("rule", "refused", ["no writing"]),
        ("error", "failed", ["tool_failed"]),
    ],
)
def test_whoever_has_most_comes_first(
    counted: None, dimension: str, order: str, found: list[str]
) -> None:
    ranked = stats.ranking(whole(), dimension, order=order, limit=5)
    assert [place.name for place, _ in ranked] == found


def test_a_place_has_all_its_figures(counted: None) -> None:
    ((place, found), *_) = stats.ranking(whole(), "tool", order="cost", limit=1)
    assert place == Place("tool", "find", "sales")
    assert (found.cost, found.calls, found.questions) == (Decimal("0.10"), 10, 4)
    assert found.call_latency.p50 == pytest.approx(1000, rel=0.05)


def test_only_the_durations_that_are_asked_for_are_told(counted: None) -> None:
    [(_, everything)] = stats.ranking(whole(), "person", order="questions", limit=1)
    [(_, of_calls)] = stats.ranking(
        whole(), "person", order="questions", limit=1, timed=["call_latency"]
    )
    assert of_calls.call_latency == everything.call_latency
    assert everything.question_latency.p50 is not None
    assert of_calls.question_latency.p50 is None


def test_no_more_are_ranked_than_asked_for(counted: None) -> None:
    assert len(stats.ranking(whole(), "person", order="questions", limit=1)) == 1


def test_tools_of_one_server_are_ranked_by_themselves(counted: None) -> None:
    other = {"server": "crm", "tool": "find", "decision": {"effect": "allow"}}
    put(happened(NOON, "call.called", "ok", milliseconds=5, **other))
    rollup.roll_up()
    ranked = stats.ranking(whole(), "tool", order="calls", limit=9, within="crm")
    assert [(place.within, place.name, one.calls) for place, one in ranked] == [
        ("crm", "find", 1),
        ("crm", "get", 1),
    ]
    assert ranked[0][1].call_latency.mean == 5


def test_times_are_utc(counted: None) -> None:
    assert {at.tzinfo for at, _ in stats.series(whole())} == {UTC}
