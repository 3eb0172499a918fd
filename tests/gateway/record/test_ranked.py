"""The dashboard's tables: in order, with bars in proportion, and only those that hold something."""

from typing import Any

import pytest

from audit import stats
from audit.rollup import TOTAL, Place
from gateway.record import ranked
from tests.gateway.record.test_stats import NOON, counted

__all__ = ["counted"]
MAY = stats.period(NOON, NOON.replace(day=5), "day")


def tables(place: Place = TOTAL, order: str = "calls") -> dict[str, list[Any]]:
    return {
        table.title: [(row.place.name, row.part, row.cells) for row in table.rows]
        for table in ranked.tables(MAY, place, order)
    }


def test_everything_has_a_table_of_each_dimension_that_holds_something(counted: None) -> None:
    found = tables()
    assert (
        list(found)
        == [
            "Tools",
            "Servers",
            "People",
            "Roles",
            "Slow servers",
            "Rules that refused most",
            "Errors",
        ][:6]
    )
    assert [(name, part) for name, part, _ in found["People"]] == [
        ("ada@example.com", 100),
        ("dev@example.com", 33.3),
    ]
    assert found["Rules that refused most"] == [("no writing", 100, ["1"])]
    (_, _, cells), *_ = found["Tools"]
    assert cells[:4] == ["2", "2", "0", "0"] and cells[-1] == "$0.02"


@pytest.mark.parametrize("order", list(ranked.ORDERS))
def test_every_order_has_words_a_weight_and_an_order_of_rows(counted: None, order: str) -> None:
    assert order in stats.ORDERS and order in ranked.WEIGHTS
    weights = [part for _, part, _ in tables(order=order).get("Tools", [])]
    assert weights == sorted(weights, reverse=True)


def test_a_server_has_its_tools_and_a_person_no_table(counted: None) -> None:
    assert list(tables(Place("server", "crm"))) == ["Tools"]
    assert [name for name, *_ in tables(Place("server", "crm"))["Tools"]] == ["find"]
    assert tables(Place("person", "ada@example.com")) == {}
