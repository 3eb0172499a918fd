"""A fingerprint changes with anything in the tool, and with nothing else."""

from typing import Any

import pytest

from registry.fingerprint import fingerprint

TOOL = {
    "name": "search",
    "title": "Search",
    "description": "Search the catalogue.",
    "inputSchema": {
        "type": "object",
        "properties": {"q": {"type": "string"}, "n": {"enum": [1, 2]}},
    },
    "annotations": {"readOnlyHint": True},
}


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(each) for each in value] if isinstance(value, list) else value


def test_the_fingerprint_is_sha256_of_the_canonical_object() -> None:
    assert fingerprint({"b": 1, "a": "é"}) == (
        "6d9eb45284090145dc16661b06abe01185a16a7dabba07c992a131bffa6b8114"
    )


def test_the_order_of_keys_does_not_matter() -> None:
    assert fingerprint(reversed_keys(TOOL)) == fingerprint(TOOL)


@pytest.mark.parametrize(
    "changed",
    [
        {**TOOL, "description": "Search the catalogue. "},
        {**TOOL, "title": "search"},
        {**TOOL, "annotations": {"readOnlyHint": False}},
        {**TOOL, "annotations": {}},
        {**TOOL, "outputSchema": {"type": "object"}},
        {**TOOL, "icons": [{"src": "https://example.com/i.png"}]},
        {**TOOL, "_meta": {"anything": 1}},
        {**TOOL, "inputSchema": {"type": "object", "properties": {"n": {"enum": [2, 1]}}}},
    ],
)
def test_any_change_gives_another_fingerprint(changed: dict[str, Any]) -> None:
    assert fingerprint(changed) != fingerprint(TOOL)
