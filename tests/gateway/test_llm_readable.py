import json
from typing import Any

import pytest

from gateway.llm.readable import readable


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"zone": "Asia/Tokyo", "dst": False}, "- zone: Asia/Tokyo\n- dst: no"),
        ({"a": {"b": {"c": 1}}, "d": None}, "- a.b.c: 1\n- d: none"),
        ({"result": [1, 2]}, "- 1\n- 2"),
        ({"tags": ["x", "y"], "n": 1}, "- tags: x, y\n- n: 1"),
        ([{"a": 1, "b": "x|y"}, {"a": 2}], "| a | b |\n| --- | --- |\n| 1 | x\\|y |\n| 2 |  |"),
        ([{"a": {"b": 1}}, {"a": {"b": 2}}], "- 1.a.b: 1\n- 2.a.b: 2"),
        ([], "The result is empty."),
        ({}, "The result is empty."),
    ],
)
def test_json_becomes_lines_and_tables(value: Any, shown: str) -> None:
    assert readable(json.dumps(value)) == shown


@pytest.mark.parametrize("text", ["plain text", "5", '"quoted"', "{broken", "[" * 100_000, ""])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert readable(text) == text


def test_long_tables_and_lists_are_cut_with_a_note() -> None:
    rows = readable(json.dumps([{"n": number} for number in range(30)])).splitlines()
    assert (len(rows), rows[-1]) == (24, "… and 10 more rows")
    lines = readable(json.dumps({str(number): number for number in range(70)})).splitlines()
    assert (len(lines), lines[-1]) == (61, "- … and 10 more lines")


def test_deep_json_ends() -> None:
    deep: Any = 1
    for _ in range(50):
        deep = {"a": deep, "b": 2}
    assert readable(json.dumps(deep)).splitlines()[-1] == "- b: 2"
