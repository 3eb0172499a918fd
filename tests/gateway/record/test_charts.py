"""Charts as shapes: in proportion, on top of each other or not, and all of it said in words."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.record.charts import Chart, Series, Shape, round_up


def chart(*values: Sequence[float | None], **more: Any) -> Chart:
    series = [Series(f"s{n}", f"t{n}", one) for n, one in enumerate(values)]
    labels = [f"day {n}" for n in range(len(values[0]))]
    links = [f"/entries?{n}" for n in range(len(values[0]))]
    return Chart("Things", series, labels, links, "{:.0f} x".format, "{:g}".format, **more)


@pytest.mark.parametrize(
    ("value", "edge"), [(0, 1), (1, 1), (3, 4), (0.013, 0.02), (99, 100), (100, 100), (6001, 8000)]
)
def test_the_upper_edge_is_a_round_number_that_nothing_is_above(value: float, edge: float) -> None:
    assert round_up(value) == pytest.approx(edge)


def test_bars_lie_on_top_of_each_other() -> None:
    drawn = chart([2, 0], [2, 4])
    assert (drawn.top, drawn.edges) == (4, ["4", "2", "0"])
    assert drawn.shapes == [
        Shape("t0", "M5.50 100.00V50.00H44.50V100.00Z"),
        Shape("t1", "M5.50 50.00V0.00H44.50V50.00ZM55.50 100.00V0.00H94.50V100.00Z"),
    ]


def test_lines_do_not_and_are_broken_where_there_is_no_value() -> None:
    drawn = chart([2, 4, None, 1], [None] * 4, is_lines=True)
    assert drawn.top == 4
    assert drawn.shapes == [Shape("t0", "M12.50 50.00L37.50 0.00M87.50 75.00")]
    assert drawn.dots == [Shape("t0", "M12.50 50.00h0M37.50 0.00h0M87.50 75.00h0")]


def test_of_many_values_only_those_that_no_line_leads_to_are_dots() -> None:
    drawn = chart([1, 1, None, *[None] * 36, 2], is_lines=True)
    assert drawn.dots == [Shape("t0", "M98.75 0.00h0")]
    assert chart([1, 1]).dots == []


def test_each_step_says_all_its_values_and_leads_to_its_entries() -> None:
    first, second = chart([2, 1], [None, 3]).steps
    assert (first.x, first.width, first.link) == (0, 50, "/entries?0")
    assert (first.said, first.cells) == ("day 0: s0 2 x, s1 –", ["2 x", "–"])
    assert (second.x, second.said) == (50, "day 1: s0 1 x, s1 3 x")


def test_the_first_the_middle_and_the_last_step_are_named() -> None:
    assert chart([1, 1, 1, 1, 1]).ends == ["day 0", "day 2", "day 4"]
    assert chart([1, 1]).ends == ["day 0", "day 1"]


def test_a_chart_of_nothing_is_empty() -> None:
    assert chart([0, None]).is_empty
    assert not chart([0, 1]).is_empty
