"""A file of cases is read, or what is wrong with it is said with its place."""

import pytest

from gateway.evaluation import cases
from gateway.evaluation.cases import CasesWrong, Expected


def read(tmp_path, text, name="cases.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return cases.read(path)


def test_a_case_says_what_is_asked_and_what_must_hold(tmp_path):
    text = """
cases:
  - question: How many?
    person: Ada@Example.com
    expect: {figures: [1234, 2026-11-26, "5"], tools: crm/*, max_cost: 0.5, contains: [many]}
"""
    [case] = read(tmp_path, text)

    assert (case.name, case.question, case.person) == ("How many?", "How many?", "ada@example.com")
    assert case.expected == Expected(
        figures=("1234", "2026-11-26", "5"), tools=("crm/*",), max_cost=0.5, contains=("many",)
    )


def test_json_lines_are_cases_too(tmp_path):
    found = read(tmp_path, '{"recorded": "x"}\n\n{"question": "y", "name": "z"}\n', "c.jsonl")

    assert [(case.name, case.recorded) for case in found] == [("x", "x"), ("z", "")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a list of cases is expected"),
        ("cases: []", "a list of cases is expected"),
        ("cases: [7]", "case 1: keys and values"),
        ("cases: [{name: x}]", "case 1: say a `question`"),
        ("cases: [{question: x, answer: y}]", "case 1: there is no 'answer'; there are: ['expect'"),
        ("cases: [{question: x, expect: {tool: y}}]", "case 1: expect: there is no 'tool'"),
        ("cases: [{question: x, expect: {max_cost: much}}]", "expect.max_cost: a number"),
        ("cases: [{question: x, expect: {contains: [[]]}}]", "expect.contains: a text"),
        ("cases: [{question: [x]}]", "case 1: question: a text"),
        ("cases: {", "this cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, text, said):
    with pytest.raises(CasesWrong) as wrong:
        read(tmp_path, text)
    assert said in str(wrong.value)


def test_a_file_that_is_not_there_and_one_that_is_too_long(tmp_path):
    with pytest.raises(CasesWrong, match="none.yaml"):
        cases.read(tmp_path / "none.yaml")
    with pytest.raises(CasesWrong, match="at most 1000"):
        read(tmp_path, '{"question": "x"}\n' * 1001, "c.jsonl")
