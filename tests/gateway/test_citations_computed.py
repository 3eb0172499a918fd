"""What can be shown to be worked out from a result, and what cannot."""

import json

import pytest

from gateway.citations import Origin, Source, link
from gateway.citations.computed import MOST_CHARACTERS, facts_of

ORDERS = json.dumps(
    {
        "orders": [
            {"id": "A-1", "state": "open", "total": 100.25},
            {"id": "A-2", "state": "paid", "total": 250.5},
            {"id": "A-3", "state": "open", "total": 70},
        ]
    }
)
CSV = "city,orders\nOslo,12\nLima,30\nRome,5"
PIPES = "| city | orders |\n|---|---|\n| Oslo | 12 |\n| Lima | 30 |"
LINES = '{"n": 1000}\n{"n": 2500}'


def how(answer, *results):
    sources = [Source(Origin.RESULT, text, "c") for text in results]
    return [(one.claim.text, str(one.status), one.how) for one in link(answer, sources).citations]


@pytest.mark.parametrize(
    ("result", "answer", "said"),
    [
        (ORDERS, "420.75 in all", "sum of total over 3 rows"),
        (ORDERS, "about 421 in all", "sum of total over 3 rows"),
        (ORDERS, "there are 3 orders", "count of orders: 3 rows"),
        (ORDERS, "of them 2 are open", "count of orders: 2 rows with state open"),
        (CSV, "47 orders", "sum of orders over 3 rows"),
        (PIPES, "42 orders", "sum of orders over 2 rows"),
        (LINES, "3,500 of them", "sum of n over 2 rows"),
        ("[4, 5, 8]", "17 in sum", "sum of a list over 3 rows"),
    ],
)
def test_counts_and_sums_say_how_they_are_worked_out(result, answer, said):
    [(_, status, shown)] = how(answer, result)

    assert (status, shown) == ("computed", said)


def test_a_count_of_a_value_needs_that_value_to_be_named():
    assert how("of them 2 are late", ORDERS) == [("2", "unsupported", "")]


def test_two_figures_of_a_line_may_differ_or_add_up():
    result = "then 1,200 now 1,550"

    assert how("It went from 1,200 to 1,550, by 350.", result)[-1] == (
        "350", "computed", "1,550 − 1,200",
    )  # fmt: skip
    assert how("1,200 and 1,550 are 2,750", result)[-1][1:] == ("computed", "1,550 + 1,200")
    assert how("1,200 and 1,550.\nBy 350.", result)[-1][1] == "unsupported"
    assert how("1,200 and 1,550 are 2,700", result)[-1][1] == "unsupported"


def test_a_figure_that_stands_there_is_found_and_not_worked_out():
    assert how("100.25 and 250.5", ORDERS)[0] == ("100.25", "found", "")


@pytest.mark.parametrize("text", ["", "no table", "[]", "{}", "[1, [2]]", "a|b", "[[[[[[1]]]]]]"])
def test_what_is_no_table_gives_no_sums(text):
    assert [fact for fact in facts_of(text) if "sum" in fact.how] == []


def test_a_very_long_result_is_not_read_as_a_table():
    assert facts_of("[" + "1," * MOST_CHARACTERS + "1]") == []
