"""The lines under an answer in Slack and in the terminal."""

import pytest

from gateway.citations import telling


def cited(text, **changed):
    usual = {"text": text, "origin": "result", "status": "found", "server": "crm", "tool": "list"}
    return usual | changed


def question(**changed):
    usual = {"state": "answered", "answer": "x", "checked": "all", "citations": []}
    return usual | {"unsupported": []} | changed


def test_each_source_has_a_line_and_what_is_nowhere_has_the_last():
    shown = question(
        citations=[
            cited("41"),
            cited("1.2** million", status="rounded"),
            cited("42"),
            cited("5", origin="question", server="", tool=""),
            cited("7", origin="arguments", status="asked"),
            cited("9", origin="earlier"),
            cited("50", status="computed"),
        ],
        unsupported=[{"text": "57"}, {"text": "57"}, {"text": "`58`"}],
    )
    assert telling.footnotes(shown) == [
        "41, 42: from crm/list",
        "1.2 million: rounded from crm/list",
        "5: from what you asked",
        "7: what crm/list was asked with",
        "9: from crm/list, earlier",
        "50: worked out from crm/list",
        "In no result: 57, 58",
    ]


def test_many_are_counted_and_long_ones_cut():
    texts = [cited(str(number) * 50) for number in range(9)]

    [line] = telling.footnotes(question(citations=texts))

    assert line.endswith("5555555555… and 3 more: from crm/list")


def test_many_sources_are_counted():
    many = [cited(str(number), tool=f"t{number}") for number in range(12)]

    assert telling.footnotes(question(citations=many))[-1] == "and 4 more sources"


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"checked": ""}, [telling.NOT_CHECKED]),
        ({"state": "failed", "checked": ""}, []),
        ({"answer": "", "checked": ""}, []),
        ({}, []),
    ],
)
def test_an_answer_that_was_not_looked_at_says_so(changed, lines):
    assert telling.footnotes(question(**changed)) == lines
