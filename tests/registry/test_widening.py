"""What lets more in than before is told as wider, argument by argument."""

from typing import Any

import pytest

from registry.widening import compare_schemas


def schema(required: Any = None, **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return found if required is None else found | {"required": required}


CASES = [
    (schema(), schema(), []),
    (schema(q={}), schema(q={}, to={}), ['! argument "to" is new']),
    (schema(), schema(["to"], to={}), ['! argument "to" is new and required']),
    (schema(q={}), schema(["q"], q={}), ['! argument "q" has become required']),
    (schema(["q"], q={}), schema(q={}), ['- argument "q" is no longer required']),
    (schema(["q"], q={}), schema(), ['- argument "q" is gone']),
    (schema(), schema(["ghost"]), ['! argument "ghost" has become required']),
    (
        schema(q={"type": "string"}),
        schema(q={"type": ["string", "object"]}),
        ['! argument "q": type was "string", is ["string", "object"] (wider)'],
    ),
    (
        schema(q={"enum": ["a", "b"]}),
        schema(q={"enum": ["a"]}),
        ['- argument "q": enum was ["a", "b"], is ["a"]'],
    ),
    (
        schema(q={"enum": ["a"]}),
        schema(q={"enum": ["a", "*"]}),
        ['! argument "q": enum was ["a"], is ["a", "*"] (wider)'],
    ),
    (
        schema(q={"maxLength": 5}),
        schema(q={}),
        ['! argument "q": maxLength was 5, is nothing (wider)'],
    ),
    (
        schema(q={"maxLength": 5}),
        schema(q={"maxLength": 4}),
        ['- argument "q": maxLength was 5, is 4'],
    ),
    (schema(q={}), schema(q={"minimum": 4}), ['- argument "q": minimum was nothing, is 4']),
    (
        schema(q={"minimum": 4}),
        schema(q={"minimum": 0}),
        ['! argument "q": minimum was 4, is 0 (wider)'],
    ),
    (
        schema(q={"pattern": "^a"}),
        schema(q={"pattern": "^"}),
        ['! argument "q": pattern was "^a", is "^" (wider)'],
    ),
    (
        schema(url={"default": "https://a.example"}),
        schema(url={"default": "https://b.example"}),
        ['! argument "url": the default was "https://a.example", is "https://b.example"'],
    ),
    (
        schema() | {"additionalProperties": False},
        schema(),
        ["! the arguments: additionalProperties was false, is nothing (wider)"],
    ),
    (schema(q={"title": "A"}), schema(q={"title": "B"}), ['- argument "q": its title has changed']),
    (schema(), schema() | {"if": {}}, ["! the arguments: if was nothing, is {}"]),
    (
        schema(f=schema(city={})),
        schema(f=schema(["city"], city={})),
        ['! argument "f.city" has become required'],
    ),
    (
        schema(list={"items": {"type": "string"}}),
        schema(list={"items": {}}),
        ['! argument "list[]": type was "string", is nothing (wider)'],
    ),
    (schema(q=True), schema(q=False), ['! argument "q": true became false']),
    (schema(), [], ['! the arguments: {"properties": {}, "type": "object"} became []']),
    # An argument may be called like a keyword.
    (schema(required={}), schema(required={}, type={}), ['! argument "type" is new']),
    (
        schema(**{"a\u202e": {}}),
        schema(**{"a\u202e": {"default": "\u200b"}}),
        ['! argument "a\\u202e": the default was nothing, is "\\u200b"'],
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_each_change_is_told_in_ascii(before: Any, after: Any, expected: list[str]) -> None:
    found = compare_schemas(before, after)
    assert [f"{'!' if one.dangerous else '-'} {one.said}" for one in found] == expected
