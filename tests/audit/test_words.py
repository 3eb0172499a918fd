"""Words of an entry, and what somebody looks for among them."""

import pytest

from audit import words
from audit.words import LONGEST, MOST_TERMS, MOST_WORDS, Term, Unclear


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Get_orders of INC-4711!", ["get", "orders", "of", "inc", "4711"]),
        ("ada@example.com", ["ada", "example", "com"]),
        ("ÜNAL, Straße; café", ["unal", "strasse", "cafe"]),
        ("日本 東京", ["日本", "東京"]),
        ("  \x00 -- '' ", []),
        ("a" * 100, ["a" * LONGEST]),
    ],
)
def test_words_are_letters_and_digits_without_case_and_accents(text: str, found: list[str]) -> None:
    assert words.words(text) == found


def test_the_words_of_an_entry_are_its_texts_and_what_stands_in_its_json() -> None:
    said = {"a": ["Tokyo", 7, 1.5, True, None], "b": {"c": "x-y"}}

    assert words.of_columns(["Ada", said, None]) == [
        *("ada", "a", "tokyo", "7", "1", "5", "b", "c", "x", "y")
    ]
    assert len(words.of_columns(["w " * 10_000])) == MOST_WORDS


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("one Two", [("one",), ("two",)], []),
        ('"one two" three', [("one", "two"), ("three",)], []),
        ("INC-4711", [("inc", "4711")], []),
        ("one -two -\"three four\" '--'", [("one",)], [("two",), ("three", "four")]),
        ('one "never closed', [("one",), ("never", "closed")], []),
    ],
)
def test_all_words_are_looked_for_phrases_side_by_side(text, wanted, unwanted) -> None:
    found = words.search(text)

    assert ([one.words for one in found.wanted], [one.words for one in found.unwanted]) == (
        wanted,
        unwanted,
    )


def test_a_star_looks_for_beginnings_where_it_ends_a_word() -> None:
    assert words.search('pre* "in quotes*"').wanted == (
        Term(("pre",), begins=True),
        Term(("in", "quotes")),
    )


def test_each_database_is_asked_in_its_own_spelling() -> None:
    found = words.search('"one two" thr* -four')

    assert found.for_postgresql() == "('one' <-> 'two') & ('thr':*) & !('four')"
    assert found.for_sqlite() == '("one two" AND "thr"*) NOT "four"'


@pytest.mark.parametrize("text", ["", "   ", '""', "-only", "'; --", "* ! & |"])
def test_where_no_word_is_left_that_is_said(text: str) -> None:
    with pytest.raises(Unclear, match="Give a word"):
        words.search(text)


def test_so_many_terms_and_no_more() -> None:
    assert len(words.search("w " * MOST_TERMS).wanted) == MOST_TERMS
    with pytest.raises(Unclear, match="at most"):
        words.search("w " * (MOST_TERMS + 1))
