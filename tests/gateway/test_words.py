import pytest

from gateway.words import related, stem, terms, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("get_current_time", ["get", "current", "time"]),
        ("listPullRequests", ["list", "pull", "requests"]),
        ("HTTPServer.read-file2", ["http", "server", "read", "file", "2"]),
        ("What's 9am?", ["what", "s", "9", "am"]),
        ("获取新闻", ["获取", "取新", "新闻"]),
        ("", []),
    ],
)
def test_words_of_texts_and_identifiers(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    "family",
    [
        ("list", "lists", "listed", "listing", "listings"),
        ("query", "queries", "queried"),
        ("run", "runs", "running"),
        ("price", "prices", "pricing", "priced"),
        ("convert", "converts", "converted", "converting"),
        ("create", "created", "creates"),
    ],
)
def test_forms_of_one_word_share_a_stem(family: tuple[str, ...]) -> None:
    assert {stem(word) for word in family} == {stem(family[0])}


@pytest.mark.parametrize("word", ["css", "class", "gas", "is", "新闻", "a"])
def test_words_that_only_look_inflected_stay(word: str) -> None:
    assert stem(word) == word


def test_terms_leave_out_what_means_nothing() -> None:
    assert terms("What are the tables of this database?") == [stem("table"), stem("database")]


def test_synonyms_stand_for_each_other() -> None:
    assert stem("delete") in related(stem("remove"))
    assert stem("remove") in related(stem("delete"))
    assert related("tokyo") == frozenset()
