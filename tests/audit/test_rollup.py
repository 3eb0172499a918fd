"""Sums by hour, day and week: each thing once, in its place, whoever dies and whatever is late."""

import threading
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, connection
from django.db.models import Sum

from audit import following, record, rollup, seal
from audit.errors import PrunedError
from audit.models import Entry, Follower, Rollup
from audit.record import Who
from tests.audit.counting import ADA, DENIED, DEV, NOON, happened, put, question, refusal
from tests.audit.test_seal import run_together

HOUR = timedelta(hours=1)
TOKENS = {
    "input_tokens": 100,
    "output_tokens": 10,
    "cache_read_tokens": 4,
    "cache_write_tokens": 2,
}
LATENCIES = ("call_latency", "question_latency")


def sums(granularity: str = "hour", **where: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    """What each row holds but zeros, by its place; only one moment's rows may be found."""
    rows = Rollup.objects.filter(granularity=granularity, **where)
    return {
        (row.dimension, *filter(None, (row.within, row.name))): {
            name: getattr(row, name) for name in rollup.MEASURES if getattr(row, name)
        }
        for row in rows
    }


def test_a_question_is_counted_in_every_place_it_belongs_to(db: None) -> None:
    put(*question(NOON, calls=[("sales", "find"), ("sales", "find"), ("crm", "get")]))
    rollup.roll_up()
    whole = {
        "questions": 1,
        "answered": 1,
        "calls": 3,
        "call_milliseconds": 300,
        "question_milliseconds": 1000,
        "cost": Decimal("0.01"),
        **TOKENS,
        "call_latency": {"50": 3},
        "question_latency": {"74": 1},
    }

    def part(number: int) -> dict[str, Any]:
        return {
            "questions": 1,
            "calls": number,
            "call_milliseconds": 100 * number,
            "call_latency": {"50": number},
            "cost": (Decimal("0.01") * number / 3).quantize(Decimal("1e-8")),
            **{name: value * number // 3 for name, value in TOKENS.items() if value * number >= 3},
        }

    assert sums() == sums("day")
    assert sums() == {
        ("total",): whole,
        ("role", "dba"): whole,
        ("person", "ada@example.com"): whole,
        ("door", "slack"): whole,
        ("server", "sales"): part(2),
        ("tool", "sales", "find"): part(2),
        ("server", "crm"): part(1),
        ("tool", "crm", "get"): part(1),
    }


@pytest.mark.parametrize(
    ("entry", "measures"),
    [
        (("question.refused", "refused"), {"turned_away": 1}),
        (("question.ended", "failed"), {"failed": 1, "unpriced": 1}),
        (("question.ended", "refused"), {"refused": 1, "unpriced": 1}),
        (("question.ended", "cancelled"), {"cancelled": 1, "unpriced": 1}),
        (("question.ended", "expired"), {"expired": 1, "unpriced": 1}),
        (("call.called", "failed"), {"calls": 1, "calls_failed": 1}),
        (("call.called", "unknown"), {"calls": 1, "calls_unknown": 1}),
        (("call.refused", "refused"), {"calls_refused": 1}),
        (("call.calling", "pending"), None),
        (("approval.asked", "pending"), None),
    ],
)
def test_each_kind_counts_as_what_it_is(db: None, entry: Any, measures: Any) -> None:
    put(happened(NOON, *entry))
    rollup.roll_up()
    assert sums() == ({("total",): measures} if measures else {})


def test_a_refusal_counts_for_its_rule_and_an_error_for_its_code(db: None) -> None:
    put(refusal(NOON), *question(NOON, calls=[("sales", "find")], call_outcome="failed"))
    rollup.roll_up()
    assert sums(dimension="rule") == {("rule", "server", "no writing"): {"calls_refused": 1}}
    found = sums(dimension="error")[("error", "tool_failed")]
    assert (found["calls"], found["calls_failed"]) == (1, 1)


def test_a_name_that_no_tool_has_makes_no_row_of_its_own(db: None) -> None:
    invented = {"server": "x", "tool": "y", "error_code": "unknown_tool"}
    put(happened(NOON, "call.refused", "refused", who=ADA, **invented))
    rollup.roll_up()
    assert {place[0] for place in sums()} == {"total", "role", "person", "door", "error"}


def test_hours_add_up_to_their_day_and_days_to_their_week(db: None) -> None:
    put(*question(NOON), *question(NOON + HOUR), *question(NOON + 24 * HOUR))
    put(*question(NOON - 24 * HOUR))
    rollup.roll_up()
    rows = Rollup.objects.filter(dimension="total").order_by("granularity", "start")
    assert list(rows.values_list("granularity", "start", "questions")) == [
        ("day", NOON.replace(day=3, hour=0, minute=0), 1),
        ("day", NOON.replace(hour=0, minute=0), 2),
        ("day", NOON.replace(day=5, hour=0, minute=0), 1),
        ("hour", NOON.replace(day=3, minute=0), 1),
        ("hour", NOON.replace(minute=0), 1),
        ("hour", NOON.replace(hour=13, minute=0), 1),
        ("hour", NOON.replace(day=5, minute=0), 1),
        ("week", NOON.replace(month=4, day=27, hour=0, minute=0), 1),
        ("week", NOON.replace(hour=0, minute=0), 3),
    ]


def test_an_upgrade_makes_the_weeks_that_counting_would_have_made(db: None) -> None:
    for day in range(0, 30, 3):
        at = NOON + day * 24 * HOUR
        put(*question(at, calls=[("sales", "find"), ("crm", "get")], milliseconds=10 + day))
        put(refusal(at), *question(at, DEV, outcome="failed", cost=None))
    rollup.roll_up()
    counted = all_weeks()
    upgrade = import_module("audit.migrations.0017_weeks")

    upgrade.remove_weeks(apps, connection.schema_editor())
    assert not Rollup.objects.filter(granularity="week").exists()
    upgrade.add_weeks(apps, connection.schema_editor())

    assert len(counted) > 50
    assert all_weeks() == counted
    assert Rollup.objects.filter(granularity="day").exists()


def all_weeks() -> list[dict[str, Any]]:
    rows = Rollup.objects.filter(granularity="week").order_by(*rollup.KEY)
    return list(rows.values(*rollup.KEY, *rollup.MEASURES))


def test_what_is_recorded_late_is_added_to_the_old_hour(db: None) -> None:
    put(*question(NOON, calls=[("sales", "find")]))
    rollup.roll_up()
    put(*question(NOON + 24 * HOUR))
    rollup.roll_up()
    put(*question(NOON, calls=[("sales", "find")], milliseconds=7))
    rollup.roll_up()
    row = Rollup.objects.get(dimension="total", granularity="hour", start=NOON.replace(minute=0))
    assert (row.questions, row.call_latency) == (2, {"50": 1, "22": 1})


def test_shares_are_found_where_the_end_comes_in_a_later_block(db: None) -> None:
    *before, ended = question(NOON, calls=[("sales", "find")])
    put(*before)
    rollup.roll_up()
    put(ended)
    rollup.roll_up()
    assert sums(dimension="tool")[("tool", "sales", "find")]["cost"] == Decimal("0.01")


def test_nothing_is_counted_twice(db: None) -> None:
    put(*question(NOON))
    assert (rollup.roll_up(), rollup.roll_up()) == (1, 0)
    assert sums()[("total",)]["questions"] == 1


def test_a_process_that_dies_while_counting_has_counted_nothing(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(*question(NOON))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Rollup.objects.__class__, "bulk_create", _killed)
        rollup.roll_up()
    assert (Rollup.objects.count(), Follower.objects.get().block) == (0, 0)
    rollup.roll_up()
    assert sums()[("total",)]["questions"] == 1


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_rebuild_comes_to_the_same_sums(db: None) -> None:
    for day in range(3):
        put(*question(NOON + day * 24 * HOUR, DEV, calls=[("sales", "find")]), refusal(NOON))
        rollup.roll_up()
    before = [sums("hour", start__day=4), sums("day", start__day=5)]
    Rollup.objects.filter(dimension="total").update(questions=99)
    assert rollup.rebuild() == 3
    assert [sums("hour", start__day=4), sums("day", start__day=5)] == before


def test_a_rebuild_does_not_forget_what_pruned_entries_added(db: None) -> None:
    put(*question(NOON), happened(NOON, "record.pruned", "ok"))
    rollup.roll_up()
    Rollup.objects.filter(dimension="total").update(questions=99)
    with pytest.raises(PrunedError):
        rollup.rebuild()
    assert sums()[("total",)]["questions"] == 99
    rollup.rebuild(without_pruned=True)
    assert sums()[("total",)]["questions"] == 1


def test_two_who_count_among_writers_count_everything_once(shared_database: None) -> None:
    done = threading.Event()

    def keep_counting() -> None:
        while not done.is_set() or following.behind(rollup.FOLLOWER):
            try:
                rollup.roll_up()
            except OperationalError:
                continue

    def write_all() -> None:
        for number in range(20):
            who = Who(person=f"p{number % 3}@example.com")
            record.write("call.refused", "refused", who=who, decision=DENIED)
            seal.seal_once()
        done.set()

    assert run_together(keep_counting, keep_counting, write_all) == []
    counted = Rollup.objects.filter(granularity="day").values("dimension").order_by("dimension")
    assert list(counted.annotate(sum=Sum("calls_refused")).values_list("dimension", "sum")) == [
        ("person", 20),
        ("rule", 20),
        ("total", 20),
    ]
    assert Entry.objects.count() == 20
