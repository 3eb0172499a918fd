"""Answers of our own, each with what its results say: `tests/data/provenance.jsonl`."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from gateway.citations import Origin, Source, Status, link
from gateway.citations.linking import MOST_READ

ROWS = [
    json.loads(line)
    for line in Path("tests/data/provenance.jsonl").read_text(encoding="utf-8").splitlines()
]
HELD_OUT = [row for row in ROWS if row["half"] == "held out"]


def judged(row):
    """What the answer's claims are found to be, by status."""
    sources = [Source(Origin.RESULT, text, f"call-{n}") for n, text in enumerate(row["results"])]
    sources.append(Source(Origin.QUESTION, row.get("question", "")))
    found = defaultdict(list)
    for one in link(row["answer"], sources).citations:
        found[one.status.value].append(one.claim.text)
    return dict(found)


def expected(row):
    """As the row says it; `-7:7` is the figure 7 of the text -7."""
    return {
        status: [text.rpartition(":")[2] if text[0] == "-" else text for text in texts]
        for status, texts in row["expect"].items()
    }


@pytest.mark.parametrize("row", [row for row in ROWS if row["half"] == "tuned"],
                         ids=lambda row: row["name"])  # fmt: skip
def test_each_claim_is_known_by_its_result_or_by_none(row):
    assert judged(row) == expected(row)


# What was wrong the first time these were run, and was left so: 59 of 61 claims were right.
MISSES = {
    "german report": "the point of an abbreviation is taken for a part of the figure",
    "sizes and durations": "an hour and a half is 2 hours, to the hour",
}


@pytest.mark.parametrize("row", HELD_OUT, ids=lambda row: row["name"])
def test_answers_that_nothing_was_tuned_on(row):
    assert (judged(row) == expected(row)) is (row["name"] not in MISSES)


def test_a_citation_says_the_very_place():
    text = '{"old": 7, "orders": 1234567}'
    [cited] = link("1,234,567 orders", [Source(Origin.RESULT, text, "c1")]).citations

    assert cited.source.call == "c1"
    assert text[cited.at : cited.at + cited.length] == "1234567"
    assert (cited.claim.start, cited.claim.end, cited.how) == (0, 9, "1234567")


def test_of_several_places_the_one_that_speaks_of_the_same_counts():
    results = [
        Source(Origin.RESULT, "restarts in cluster blue: 12", "c1"),
        Source(Origin.RESULT, "open tickets of the support team: 12", "c2"),
    ]
    [cited] = link("The support team has 12 open tickets.", results).citations

    assert cited.source.call == "c2"


def test_a_result_is_named_before_the_question():
    sources = [Source(Origin.RESULT, "n: 500", "c1"), Source(Origin.QUESTION, "is it 500?")]
    [cited] = link("It is 500.", sources).citations

    assert (cited.status, cited.source.origin) == (Status.FOUND, Origin.RESULT)


def test_what_is_too_much_to_read_is_said():
    sources = [Source(Origin.RESULT, " " * MOST_READ + "77", "c1")]

    linked = link("It is 77.", sources)

    assert [one.status for one in linked.citations] == [Status.UNSUPPORTED]
    assert linked.whole is False


def test_markup_in_a_result_stays_text():
    sources = [Source(Origin.RESULT, "<script>alert(42)</script>", "c1")]
    [cited] = link("42", sources).citations

    assert cited.source.text[cited.at : cited.at + cited.length] == "42"
