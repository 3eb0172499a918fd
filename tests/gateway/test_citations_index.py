"""A result read once: what stands in it, and where it stands by itself."""

from decimal import Decimal

import pytest

from gateway.citations.index import MOST_PLACES, Index
from gateway.citations.model import Reading

TEXT = (
    '{"id":"INV-2041","total":1234.50,"list":[1,2,3],"sum":"1.234.567","at":"2026-11-26T17:30:05Z",'
    '"share":0.1234,"took":"15ms","range":"5/7","ch":"1’000","fr":"98 765"}'
)


def exact(value):
    return Reading(Decimal(value), Decimal(1))


@pytest.mark.parametrize(
    ("value", "spelling"),
    [("1234.5", "1234.50"), ("2", "2"), ("1234567", "1.234.567"), ("15", "15"), ("1000", "1’000"),
     ("98765", "98 765"), ("2041", ""), ("17", ""), ("26", "")],
)  # fmt: skip
def test_a_figure_is_found_by_its_value_and_not_inside_of_other_things(value, spelling):
    assert Index(TEXT).exactly(exact(value)) == spelling


@pytest.mark.parametrize(
    ("value", "step", "spelling"),
    [("0.12", "0.01", "0.1234"), ("1200000", "100000", "1.234.567"), ("0.13", "0.01", "")],
)
def test_the_nearest_figure_it_can_be_rounded_from(value, step, spelling):
    assert Index(TEXT).nearly(Reading(Decimal(value), Decimal(step))) == spelling


def test_dates_and_times_are_found_whole_and_in_part():
    index = Index(TEXT)

    assert [index.date([key]) for key in ("2026-11-26", "2026-11", "--11-26", "2026-11-27")] == [
        "2026-11-26", "2026-11-26", "2026-11-26", "",
    ]  # fmt: skip
    assert [index.time(key) for key in ("17:30:05", "17:30", "17:31")] == [
        "17:30:05", "17:30:05", "",
    ]  # fmt: skip
    assert [index.year(year) for year in ("2026", "2025")] == ["2026-11-26", ""]


def test_places_are_those_where_it_stands_alone():
    index = Index("77 177 7.7 77.5 a77 (77) 77, 0.77 77.")

    assert [place.at for place in index.places("77")] == [0, 21, 25, 34]


def test_there_is_an_end_to_places():
    assert len(Index("7 " * 500).places("7")) == MOST_PLACES


def test_letters_that_grow_when_lowered_move_no_place():
    index = Index("İİİ INV-1")

    assert [place.at for place in index.places("INV-1")] == [4]
