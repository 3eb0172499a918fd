"""Dates and times in the one form that can be compared."""

import re

import pytest

from gateway.citations import moments


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("2026-11-26", ("2026-11-26",)),
        ("26.11.2026", ("2026-11-26",)),
        ("03/04/2026", ("2026-03-04", "2026-04-03")),
        ("11/26/2026", ("2026-11-26",)),
        ("26 November 2026", ("2026-11-26",)),
        ("Nov 26th, 2026", ("2026-11-26",)),
        ("26. märz 2026", ("2026-03-26",)),
        ("1er février 2026", ("2026-02-01",)),
        ("November 2026", ("2026-11",)),
        ("26 November", ("--11-26",)),
        ("29 February", ("--02-29",)),
        ("31 November 2026", ()),
        ("2026-13-01", ()),
        ("no date", ()),
    ],
)
def test_a_date_becomes_every_date_it_can_mean(text, keys):
    assert moments.keys_of_date(text) == keys


@pytest.mark.parametrize(
    ("text", "key"),
    [("3:04", "03:04"), ("03:04:05.6", "03:04:05"), ("5:30 pm", "17:30"), ("12:10 AM", "00:10"),
     ("12:10 p.m.", "12:10"), ("", "")],
)  # fmt: skip
def test_a_time_becomes_one_of_a_clock_of_24_hours(text, key):
    assert moments.key_of_time(text) == key


@pytest.mark.parametrize("text", ["on march 3", "3 march", "3rd of march", "mar. 2026"])
def test_a_month_is_found_by_the_digits_beside_it(text):
    assert moments.beside_month(3).search(text)


@pytest.mark.parametrize("text", ["a march of many", "marching 3", "market 5"])
def test_a_word_that_is_no_month_is_no_date(text):
    assert re.search(moments.WRITTEN, text) is None
