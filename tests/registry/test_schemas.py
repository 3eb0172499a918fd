"""Arguments against input schemas: readable problems, and no schema that costs time or fetches."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from registry.schemas import check_schema, validate

BOMBS = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "data" / "schema_bombs.jsonl").open()
]
LIMIT = 0.1
TIME = {
    "type": "object",
    "properties": {
        "timezone": {"type": "string"},
        "hours": {"type": "array", "items": {"type": "integer"}},
        "style": {"enum": ["long", "short"]},
        "limit": {"type": ["integer", "null"], "maximum": 10},
    },
    "required": ["timezone"],
}


def instance_of(bomb: dict[str, Any]) -> Any:
    if bomb["instance"] == {"q": "<6000 objects>"}:
        return {"q": [{"a": number, "b": [number]} for number in range(6000)]}
    return bomb["instance"]


@pytest.mark.parametrize("bomb", BOMBS, ids=[bomb["case"] for bomb in BOMBS])
def test_no_schema_bomb_takes_longer_than_100_ms(bomb: dict[str, Any]) -> None:
    instance = instance_of(bomb)
    started = time.process_time()
    reason = check_schema(bomb["schema"])
    problems = validate(bomb["schema"], instance)
    assert time.process_time() - started < LIMIT
    assert reason is None or len(problems) == 1


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("remote $id", "it refers to 'other.json', which is not a place within itself"),
        ("file ref", "it refers to 'file:///etc/passwd', which is not a place within itself"),
        (
            "$schema remote",
            "it is written in 'http://127.0.0.1:18391/dialect', which is not a known dialect",
        ),
        ("$dynamicRef", "it uses $dynamicRef, which is not supported"),
        ("ref cycle", "it refers to itself without end"),
        ("anyOf doubling 22", "it takes too long to check"),
        ("nested 200", "it is more than 64 levels deep"),
    ],
)
def test_a_bomb_is_refused_with_its_reason(case: str, reason: str) -> None:
    (bomb,) = [bomb for bomb in BOMBS if bomb["case"] == case]
    assert check_schema(bomb["schema"]) == f"its input schema cannot be used: {reason}"


@pytest.mark.parametrize(
    "schema",
    [
        None,
        True,
        [],
        "object",
        {"type": "string"},
        {"type": "wibble"},
        {"properties": 5},
        {"properties": {"a": {"type": "wibble"}}},
        {"properties": {"a": {"maximum": float("nan")}}},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"$ref": "#/$defs/none"}}},
        {"properties": {"a": {"$id": "urn:x"}}},
        {"title": "\ud800"},
        {"description": "x" * 65_536},
        {"properties": {f"p{number}": {} for number in range(2_001)}},
        {"properties": {f"p{number}": {"pattern": f"a{number}"} for number in range(51)}},
    ],
)
def test_what_is_no_usable_schema_is_told_so_and_refuses_all_arguments(schema: Any) -> None:
    reason = check_schema(schema)
    assert reason is not None and reason.startswith("its input schema cannot be used: ")
    (problem,) = validate(schema, {})
    assert problem.startswith("arguments: the tool's schema cannot be used: ")


@pytest.mark.parametrize(
    "dialect",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ],
)
def test_known_dialects_are_read(dialect: str) -> None:
    schema = {"$schema": dialect, "$id": "https://example.com/tool", **TIME}
    assert check_schema(schema) is None
    assert validate(schema, {"timezone": "UTC"}) == []


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        ({"timezone": "UTC"}, []),
        ({"timezone": "UTC", "hours": [1, 2], "limit": None}, []),
        ({"timezone": 5}, ["arguments.timezone: 5 is not a string"]),
        ({}, ["arguments.timezone: is missing"]),
        ({"timezone": "UTC", "hours": [1, "x"]}, ['arguments.hours[1]: "x" is not an integer']),
        ({"timezone": "UTC", "style": 1}, ['arguments.style: 1 is not one of "long", "short"']),
        ({"timezone": "UTC", "limit": "a"}, ['arguments.limit: "a" is not null or an integer']),
        (
            {"timezone": "UTC", "limit": 11},
            ["arguments.limit: 11 is greater than the maximum of 10"],
        ),
        (
            {"timezone": "UTC", "timezon": "UTC"},
            ["arguments.timezon: there is no such argument; did you mean timezone?"],
        ),
        ({"timezone": "UTC", "Q": 1}, ["arguments.Q: there is no such argument"]),
        ("UTC", ["arguments: must be an object"]),
        (None, ["arguments: must be an object"]),
        ([], ["arguments: must be an object"]),
    ],
)
def test_problems_are_readable(arguments: Any, problems: list[str]) -> None:
    assert validate(TIME, arguments) == problems


@pytest.mark.parametrize(
    ("schema", "problems"),
    [
        ({"type": "object"}, ["arguments.b: there is no such argument"]),
        ({}, ["arguments.b: there is no such argument"]),
        ({"properties": {"b": {}}}, []),
        ({"additionalProperties": True}, []),
        ({"additionalProperties": {"type": "integer"}}, []),
        ({"additionalProperties": {"type": "string"}}, ["arguments.b: 1 is not a string"]),
        ({"additionalProperties": False}, ["arguments.b: there is no such argument"]),
        (
            {"properties": {}, "additionalProperties": False},
            ["arguments.b: there is no such argument"],
        ),
        (
            {"properties": {"bb": {}}, "additionalProperties": False},
            ["arguments.b: there is no such argument; did you mean bb?"],
        ),
        ({"unevaluatedProperties": False}, ["arguments.b: there is no such argument"]),
        ({"patternProperties": {"^b": {}}}, []),
        ({"allOf": [{"properties": {"b": {}}}]}, []),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"b": {}}}}}, []),
        ({"anyOf": [{"properties": {"a": {}}}, {"additionalProperties": True}]}, []),
        (
            {"properties": {"a": {"properties": {"b": {}}}}},
            ["arguments.b: there is no such argument"],
        ),
    ],
)
def test_an_argument_the_schema_does_not_know_is_refused(schema: Any, problems: list[str]) -> None:
    before = json.dumps(schema)
    assert validate(schema, {"b": 1}) == problems
    assert json.dumps(schema) == before


def test_members_of_an_argument_are_as_free_as_the_schema_leaves_them() -> None:
    schema = {"properties": {"a": {"type": "object", "properties": {"b": {}}}}}
    assert validate(schema, {"a": {"c": 1}}) == []


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"^(a+)+$", "a" * 20_000, True),
        (r"^(a+)+$", "a" * 20_000 + "b", False),
        (r"^(a|a)*$", "a" * 20_000 + "b", False),
        (r"^(?!x)[a-z]+@example\.com$", "ada@example.com", True),
        (r"^(?=x?)(a+)+\1$", "a" * 900 + "b", False),
        (r"^((?=(.*a){20})a|(?=(.*b){20})a)*c$", "a" * 900, False),
    ],
)
def test_a_pattern_takes_no_longer_than_100_ms(pattern: str, text: str, fits: bool) -> None:
    schema = {"properties": {"a": {"pattern": pattern}}}
    assert check_schema(schema) is None
    started = time.process_time()
    problems = validate(schema, {"a": text})
    assert time.process_time() - started < LIMIT
    assert (problems == []) is fits


def test_a_pattern_that_may_backtrack_is_not_tried_on_a_long_text() -> None:
    schema = {"properties": {"a": {"pattern": "^(?=x)x"}, "body": {"type": "string"}}}
    assert validate(schema, {"a": "x", "body": "y" * 5_000}) == []
    assert validate(schema, {"a": "x" * 1_001, "body": ""}) == [
        "arguments: cannot be checked against the tool's schema: "
        "'^(?=x)x' is only tried on 1,000 characters or less"
    ]


@pytest.mark.parametrize(
    "arguments",
    [{"a": float("inf")}, {"a": "\ud800"}, {"a": "x" * 1_100_000}],
    ids=["infinity", "half a character", "too long"],
)
def test_arguments_that_are_not_json_to_send_are_refused(arguments: dict[str, Any]) -> None:
    (problem,) = validate({"additionalProperties": True}, arguments)
    assert problem.startswith("arguments: cannot be checked against the tool's schema: ")


def test_a_list_of_problems_is_bounded() -> None:
    schema = {"properties": {"a": {"type": "array", "items": {"type": "integer"}}}}
    assert len(validate(schema, {"a": ["x"] * 100})) == 10
    assert validate(schema, {"a": ["x"] * 4_000}) == ["arguments: do not fit the tool's schema"]
