"""What an address asks for: read, or refused by the name of the parameter."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.errors import BadFilter
from audit.rollup import TOTAL, Place
from gateway.record import asked


def test_nothing_said_is_the_last_seven_days_of_everything() -> None:
    when = asked.period({}, asked.OF_A_PLACE)
    now = timezone.now()
    assert (when.granularity, when.end - when.start) == ("day", timedelta(days=8))
    assert when.start <= now - timedelta(days=7) < now <= when.end
    assert asked.place({}) == TOTAL
    assert asked.ranking({}) == asked.Ranking("tool", "calls", 10, "")


def test_all_that_may_be_said_is_read() -> None:
    query = {"from": "2026-05-01", "to": "2026-05-02", "granularity": "hour"}
    when = asked.period(query | {"by": "tool"}, asked.OF_A_PLACE)
    assert [when.start.isoformat(), when.granularity] == ["2026-05-01T00:00:00+00:00", "hour"]
    assert when.end - when.start == timedelta(hours=24)
    place = asked.place({"by": "tool", "name": "find", "within": "crm"})
    assert place == Place("tool", "find", "crm")
    wanted = {"by": "rule", "order": "refused", "limit": "100", "within": "server"}
    assert asked.ranking(wanted) == asked.Ranking("rule", "refused", 100, "server")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "1h", "to": "2h"}, "to"),
        ({"from": "2000-01-01"}, "from"),
        ({"granularity": "week"}, "granularity"),
        ({"granularity": "\x00"}, "granularity"),
        ({"server": "crm"}, "server"),
        ({"name__startswith": "a"}, "name__startswith"),
    ],
)
def test_a_bad_period_is_refused_by_its_name(query: dict[str, str], field: str) -> None:
    with pytest.raises(BadFilter) as refused:
        asked.period(query, asked.OF_A_PLACE)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"by": "colour"}, "by"),
        ({"name": "crm"}, "by"),
        ({"by": "server"}, "name"),
        ({"by": "server", "name": "a\x00b"}, "name"),
        ({"by": "server", "name": "a" * 256}, "name"),
        ({"by": "tool", "name": "find"}, "within"),
    ],
)
def test_a_bad_place_is_refused_by_its_name(query: dict[str, str], field: str) -> None:
    with pytest.raises(BadFilter) as refused:
        asked.place(query)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"by": "total"}, "by"),
        ({"order": "cost); drop"}, "order"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
    ],
)
def test_a_bad_ranking_is_refused_by_its_name(query: dict[str, str], field: str) -> None:
    with pytest.raises(BadFilter) as refused:
        asked.ranking(query)
    assert refused.value.field == field
