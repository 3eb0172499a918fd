"""Spending far above the usual is found; the usual, the small and the old are not."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from audit import record
from gateway.alerts import spending
from gateway.models import AlertRule, Incident

ADA, DEV = "ada@example.com", "dev@example.com"


@pytest.fixture
def spend(monkeypatch):
    def at(person, cost, hours_ago=0.5):
        with monkeypatch.context() as patched:
            moment = timezone.now() - timedelta(hours=hours_ago)
            patched.setattr(record.timezone, "now", lambda: moment)
            record.write("question.ended", "ok", who=record.Who(person=person), cost=Decimal(cost))

    return at


def rule(**values):
    return AlertRule.objects.create(name="jump", kind="spending", **values)


def found():
    return [(one.cause, one.detail) for one in Incident.objects.order_by("cause")]


def test_more_than_so_many_times_the_usual_is_found(spend):
    rule(factor=3, min_cost=5)
    for days in range(1, 8):
        spend(ADA, 96, 24 * days)
    spend(ADA, 11)
    assert (spending.check(), found()) == (0, [])

    spend(ADA, 2)
    assert spending.check() == 1
    [(cause, said)] = found()
    assert cause == f"person {ADA}"
    assert (said["spent"], said["usual"], said["within"]) == ("$13.00", "$4.00", "1 h")


def test_what_costs_little_is_no_jump_and_what_was_long_before_does_not_count(spend):
    rule(min_cost=5)
    spend(ADA, 4)
    spend(DEV, 100, 9 * 24)
    spend(DEV, 6)
    spending.check()

    assert [cause for cause, _ in found()] == [f"person {DEV}"]


@pytest.mark.parametrize(("each", "causes"), [("", [""]), ("person", [f"person {DEV}"])])
def test_everybody_together_or_each_person(spend, each, causes):
    rule(min_cost=5, each=each)
    spend(ADA, 3)
    spend(DEV, 6)
    spending.check()
    spending.check()

    assert [cause for cause, _ in found()] == causes


def test_a_rule_that_is_off_finds_nothing(spend):
    rule(enabled=False)
    spend(ADA, 1000)

    assert spending.check() == 0
