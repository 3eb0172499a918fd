"""Figures of several countries, their scales and units."""

from decimal import Decimal

import pytest

from gateway.citations import figures


@pytest.mark.parametrize(
    ("digits", "values"),
    [
        ("1234", [1234]),
        ("1,234", [1234, Decimal("1.234")]),
        ("1.234", [1234, Decimal("1.234")]),
        ("1,234.5", [Decimal("1234.5")]),
        ("1.234,5", [Decimal("1234.5")]),
        ("1 234 567", [1234567]),
        ("1\u202f234,5", [Decimal("1234.5")]),
        ("1’234’567", [1234567]),
        ("12,34,567", [1234567]),
        ("1,234,567", [1234567]),
        ("0.125", [Decimal("0.125")]),
        ("12,5", [Decimal("12.5")]),
        ("1,2,3", []),
        ("10.0.0.1", []),
        ("1,23,4", []),
        ("9" * 31, []),
    ],
)
def test_a_spelling_is_read_in_every_way_it_can_be_meant(digits, values):
    assert [value for value, _ in figures.read(digits)] == values


@pytest.mark.parametrize(
    ("digits", "scale", "values"),
    [
        ("1.2", "million", [1_200_000]),
        ("3", "Mrd.", [3_000_000_000]),
        ("5", "k", [5, 5000]),
        ("50", "%", [50, Decimal("0.5")]),
        ("2", "GiB", [2, 2**31]),
        ("3", "", [3]),
    ],
)
def test_a_scale_multiplies_and_a_unit_may_be_meant_too(digits, scale, values):
    assert [one.value for one in figures.readings(digits, scale, about=False)] == values


@pytest.mark.parametrize(
    ("digits", "about", "step", "rounds"),
    [
        ("12000", True, 1000, True),
        ("12000", False, 1, True),
        ("7", False, 1, False),
        ("7", True, 1, True),
        ("7.5", False, Decimal("0.1"), True),
    ],
)
def test_how_far_it_may_be_rounded_is_what_its_last_digit_counts(digits, about, step, rounds):
    [reading] = figures.readings(digits, "", about=about)

    assert (reading.step, reading.rounds) == (step, rounds)
