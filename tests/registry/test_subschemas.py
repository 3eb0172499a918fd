"""How much work a schema makes, reckoned before a validator sees it."""

from typing import Any

import pytest

from registry.subschemas import Shape, Unusable, check_depth


def branching(ways: int) -> dict[str, Any]:
    """A schema of trees whose every level is judged in so many ways."""
    way = {"properties": {"x": {"$ref": "#/$defs/n"}}}
    return {
        "$defs": {"n": {"anyOf": [dict(way) for _ in range(ways)]}},
        "properties": {"x": {"$ref": "#/$defs/n"}},
    }


def chain(length: int) -> dict[str, Any]:
    return {"x": chain(length - 1)} if length else {}


def doubling(levels: int, keyword: str) -> dict[str, Any]:
    twice = {
        f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2 + [{"$ref": f"#/$defs/d{n + 1}"}]}
        for n in range(levels)
    }
    return {"$defs": {**twice, f"d{levels}": {}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(
    ("schema", "arguments", "work"),
    [
        ({}, {}, 1),
        ({"properties": {"a": {}, "b": {}}}, {"a": 1}, 2),
        ({"properties": {"a": {"items": {}}}}, {"a": [1, 2, 3]}, 5),
        ({"allOf": [{}, {"anyOf": [{}, {}]}]}, {}, 5),
        ({"$ref": "#/$defs/x", "$defs": {"x": {}, "unused": {}}}, {}, 2),
        ({"properties": {"a": {"pattern": "b"}}}, {"a": "12345"}, 152),
        (branching(1), chain(10), 31),
    ],
)
def test_work_counts_each_step(schema: Any, arguments: Any, work: int) -> None:
    assert Shape(schema).work(arguments) == work


def test_branching_recursion_is_fine_on_a_flat_value_and_refused_on_a_deep_one() -> None:
    shape = Shape(branching(2))
    assert shape.work(chain(10)) < 10_000
    with pytest.raises(Unusable, match="it takes too long to check"):
        shape.work(chain(40))


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
def test_references_that_multiply_are_refused(keyword: str) -> None:
    Shape(doubling(6, keyword))
    with pytest.raises(Unusable, match="it takes too long to check"):
        Shape(doubling(20, keyword))


def test_nested_leftovers_are_refused() -> None:
    """jsonschema-rs needs 15 s for twenty levels of them."""
    schema: dict[str, Any] = {"properties": {"a": {}}}
    for _ in range(20):
        schema = {"allOf": [schema], "unevaluatedProperties": False}
    with pytest.raises(Unusable, match="it takes too long to check"):
        Shape(schema)


@pytest.mark.parametrize(
    ("reference", "target"),
    [("#", None), ("#/$defs/a~1b", 1), ("#/$defs/c%20d", 2), ("#/$defs/list/0", 3)],
)
def test_references_are_json_pointers(reference: str, target: int | None) -> None:
    root: dict[str, Any] = {"$defs": {"a/b": 1, "c d": 2, "list": [3]}}
    assert Shape(root).target(reference) == (root if target is None else target)


@pytest.mark.parametrize("reference", ["#anchor", "other.json", "//x/y", 7, None, "#/$defs/none"])
def test_a_reference_to_elsewhere_is_refused(reference: object) -> None:
    with pytest.raises(Unusable, match="it refers to "):
        Shape({"properties": {"a": {"$ref": reference}}})


def test_keywords_that_are_names_of_properties_are_no_keywords() -> None:
    named = {"$ref": {}, "$id": {"type": "string"}, "$schema": {}, "pattern": {"pattern": "a"}}
    assert Shape({"properties": named}).patterns == frozenset({"a"})


def test_depth_is_judged_without_recursion() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(Unusable, match="it is more than 64 levels deep"):
        check_depth(deep)
    check_depth([[[]]])
