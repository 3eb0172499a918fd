"""Strict parsing of what a server sends."""

import time
from typing import Any

import pytest

from registry.mcp import parsing
from registry.mcp.errors import BadAnswer, TooLarge

GOOD = [
    (b'{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
    (b'"[[[[ \\" {{{{"', '[[[[ " {{{{'),
    (b"[" * 64 + b"]" * 64, None),
    (b'"\\ud83d\\ude00"', "\U0001f600"),
    (b'["\\ud800", {"\\udfff": 1}]', ["\ufffd", {"\ufffd": 1}]),
    (b'"\\\\ud800"', "\\ud800"),
    (b"123456789012345678901234567890", 123456789012345678901234567890),
]


@pytest.mark.parametrize(("data", "value"), GOOD)
def test_json_is_read(data: bytes, value: Any) -> None:
    assert parsing.parse(data) == value or value is None


BAD = [
    b"",
    b"{",
    b"<html>",
    b"\xff\xfe",
    b"[NaN]",
    b"[Infinity]",
    b"[-Infinity]",
    b"[1e400]",
    b"9" * 5000,
    b'{"a": 1, "a": 1}',
    b"[" * 65 + b"]" * 65,
    b'{"a":' * 65 + b"1" + b"}" * 65,
    b"[" * 100_000,
    b'"' + b"\\" * 100_001,
]


@pytest.mark.parametrize("data", BAD, ids=[repr(data[:12]) for data in BAD])
def test_what_is_no_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        parsing.parse(data)


def test_a_text_that_never_ends_takes_no_longer_than_others() -> None:
    """Each of its quotes might begin a text, and none does."""
    started = time.monotonic()
    with pytest.raises(BadAnswer):
        parsing.parse(b'["' + b'\\"' * 2_000_000)
    assert time.monotonic() - started < 2


LARGE = {
    "bytes": b'"' + b"x" * parsing.BYTE_LIMIT + b'"',
    "lists": b"[" + b"[]," * 125_000 + b"1]",
    "objects": b"[" + b'{"a":1},' * 125_000 + b"1]",
    "texts": b"[" + b'"",' * 250_001 + b"1]",
    "numbers": b"[" + b"1," * 250_000 + b"1]",
}


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE.keys())
def test_what_is_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(TooLarge):
        parsing.parse(data)


def test_many_values_inside_a_text_are_fine() -> None:
    text = '[], \\"' * 500_000
    assert parsing.parse(f'"{text}"'.encode()) == text.replace("\\", "")


def test_notification_is_nothing_to_answer() -> None:
    assert parsing.message({"jsonrpc": "2.0", "method": "notifications/x"}) is None


@pytest.mark.parametrize("value", [{}, [], {"jsonrpc": "1.0", "id": 1, "result": {}}, "x"])
def test_what_is_no_message_is_refused(value: Any) -> None:
    with pytest.raises(BadAnswer):
        parsing.message(value)


def test_excerpt_has_no_tags_controls_or_length() -> None:
    page = b"<html><body onload=x>Bad\x00 \x1b[1m gate\nway" + b" more" * 1000
    found = parsing.excerpt(page)
    assert found.startswith("Bad [1m gate way more")
    assert len(found) == 200
