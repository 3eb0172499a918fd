"""Verdicts as a table, as JSON, as JUnit XML."""

from decimal import Decimal
from xml.etree import ElementTree

from gateway.evaluation import report
from gateway.evaluation.cases import Case, Expected
from gateway.evaluation.judging import Outcome
from gateway.evaluation.running import Verdict


def verdict(name, column, *failures, **outcome):
    usual = {"state": "answered", "answer": "It is \x00 <b>5</b>", "turns": 2, "tokens": 1000}
    usual |= {"cost": Decimal("0.5"), "milliseconds": 1500}
    case = Case(name, "?", "", "", Expected())
    return Verdict(case, column, Outcome(**usual | outcome), failures)


ROWS = [
    [verdict("first", "model-a"), verdict("first", "model-b", "too dear", cost=None)],
    [
        verdict("the second", "model-a"),
        verdict("the second", "model-b", "never asked", trouble="never asked", cost=Decimal(0)),
    ],
]


def test_a_line_for_each_case_a_column_for_each_model():
    assert list(report.lines(ROWS)) == [
        "            model-a                   model-b",
        "first       ok   2 turns, $0.5000     FAIL 2 turns, cost ?",
        "the second  ok   2 turns, $0.5000     no outcome",
        "first [model-b]: too dear",
        "the second [model-b]: never asked",
        "model-a: 2 of 2 passed, 2,000 tokens, $1.0000",
        "model-b: 0 of 2 passed, 2,000 tokens, $0.0000 and what is not known",
    ]
    assert list(report.lines([])) == []


def test_everything_is_there_for_programs():
    shown = report.as_json(ROWS)

    assert (shown["passed"], shown["failed"]) == (False, 2)
    assert shown["cases"][0]["columns"][1]["failures"] == ["too dear"]
    assert shown["cases"][0]["columns"][1]["cost_usd"] is None


def test_junit_has_a_suite_for_each_column_and_escapes_what_was_said():
    top = ElementTree.fromstring(report.as_junit(ROWS))

    assert [(one.get("name"), one.get("tests"), one.get("failures")) for one in top] == [
        ("model-a", "2", "0"), ("model-b", "2", "2"),
    ]  # fmt: skip
    failure = top.find("./testsuite[2]/testcase[1]/failure")
    assert (failure.get("message"), failure.text) == ("too dear", "It is \ufffd <b>5</b>")
    assert top.find("./testsuite[1]/testcase[1]").get("time") == "1.500"
    assert report.as_junit([]).strip().endswith("<testsuites />")
