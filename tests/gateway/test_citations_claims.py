"""What counts as a claim, and what only looks like one."""

import time

import pytest

from gateway.citations import claims


def found(answer):
    return [(str(one.kind), one.text) for one in claims.find(answer)[0]]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("$1,234.50 and €5", [("number", "1,234.50"), ("number", "5")]),
        ("**1.2** million", [("number", "1.2** million")]),
        ("between 5-7 days", [("number", "5"), ("number", "7")]),
        ("the values 1,2,3", [("number", "1"), ("number", "2"), ("number", "3")]),
        ("12ms on web01", [("number", "12ms"), ("identifier", "web01")]),
        ("see https://a.example/x?id=1.", [("identifier", "https://a.example/x?id=1")]),
        ("3f9a2b1 is a commit", [("identifier", "3f9a2b1")]),
        ("at 14:05 on 3 May", [("time", "14:05"), ("date", "3 May")]),
        ("version 2.10.0-rc1", [("identifier", "2.10.0-rc1")]),
    ],
)
def test_a_claim_is_taken_whole(answer, expected):
    assert found(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        "1. one\n2. two",
        "- 3) three",
        "the 2nd and the 21st",
        "Step 4, option 2, see [7]",
        "&#39; &amp;",
        "```sql\nLIMIT 10\n```",
        "~~~python\nx = 5\n~~~",
        "nothing at all",
        "",
    ],
)
def test_order_steps_and_programs_are_no_claims(answer):
    assert found(answer) == []


def test_text_and_place_agree():
    answer = "a 1,000 b **2.5** million c 3 May 2026. d INV-7 e 5:30 p.m."

    assert [answer[one.start : one.end] for one in claims.find(answer)[0]] == [
        one.text for one in claims.find(answer)[0]
    ]


def test_there_is_an_end_to_it():
    many, whole = claims.find("7 8 " * claims.MOST_CLAIMS)

    assert (len(many), whole) == (claims.MOST_CLAIMS, False)
    assert claims.find("7 8")[1] is True


@pytest.mark.parametrize(
    ("answer", "negative"),
    [("-5 degrees", True), ("it is -5", True), ("(−5)", True), ("- 5 apples", False),
     ("3-5", False), ("a -$5", True)],
)  # fmt: skip
def test_a_minus_is_told_from_a_dash(answer, negative):
    assert claims.find(answer)[0][-1].negative is negative


@pytest.mark.parametrize(
    "piece", ["a-", "a.b.", "_", "a", "a_", "9a-", "0f", "a@", "x1/", "1.1.", "- 1. ", "&#"]
)
def test_a_long_answer_takes_time_in_proportion_to_its_length(piece):
    started = time.monotonic()
    claims.find(piece * 4000)

    # Hundredths of a second; a pattern that starts anew at each character took many seconds.
    assert time.monotonic() - started < 2


def test_of_a_very_long_answer_the_beginning_is_read():
    assert claims.find(" " * claims.MOST_READ + "7") == ((), False)
