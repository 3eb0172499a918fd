"""The text of a document as data: what YAML and JSON say, and what neither may do."""

import time

import pytest

from registry.openapi.errors import UnusableDocument
from registry.openapi.reading import BYTE_LIMIT, read


def test_yaml_is_read_as_yaml_1_2_has_it():
    text = """
openapi: 3.0.3
flags: [yes, no, true, False, ~, "true"]
numbers: [1, -2, 2.5, 1e3, 0x10, .inf, 1_000, 012]
date: 2020-01-01
200: a key is a text
text: |
  two
  lines
"""
    assert read(text.encode()) == {
        "openapi": "3.0.3",
        "flags": ["yes", "no", True, False, None, "true"],
        "numbers": [1, -2, 2.5, 1000.0, "0x10", ".inf", "1_000", 12],
        "date": "2020-01-01",
        "200": "a key is a text",
        "text": "two\nlines\n",
    }


def test_json_is_read_too():
    assert read(b' {"a": [1, "x", null]}') == {"a": [1, "x", None]}
    assert read(b"{a: 1}") == {"a": 1}


NESTED = b"".join(b" " * depth + b"a:\n" for depth in range(80))
REFUSED: list[tuple[bytes, str]] = [
    (b"a: &x [1]\nb: *x", "it uses YAML anchors, which are not read: use $ref"),
    (b"a: !!python/object/apply:os.system [id]", "it uses YAML tags, which are not read"),
    (b"a: !custom x", "it uses YAML tags, which are not read"),
    (b"a: 1\nb: 2\na: 3", "the key 'a' stands twice (line 3)"),
    (b'{"a": 1, "a": 2}', "it is not valid: a key stands twice in one object"),
    (b"[" * 100_000, "it is nested deeper than 64 levels"),
    (b"x: " + b"[" * 100_000, "more than 256 brackets are open"),
    (NESTED, "it is nested deeper than 64 levels"),
    (b"- " * 100_000 + b"x", "it is nested deeper than 64 levels"),
    (b"a: 1\n---\nb: 1", "it holds several YAML documents"),
    (b"a: [1", "it is neither JSON nor YAML (line 2)"),
    (b"? [a]\n: b", "a key of it is no text"),
    (b"\xff\xfe", "it is not UTF-8 text"),
    (b"x" * (BYTE_LIMIT + 1), f"it is larger than {BYTE_LIMIT:,} bytes"),
    (b"[" + b"1," * 300_000 + b"1]", "it has more than 250,000 values"),
    (b"- 1\n" * 300_000, "it has more than 250,000 values"),
]


def test_what_is_no_plain_data_is_refused_soon():
    for data, message in REFUSED:
        started = time.monotonic()
        with pytest.raises(UnusableDocument) as caught:
            read(data)
        assert (str(caught.value), data[:20]) == (message, data[:20])
        assert time.monotonic() - started < 5


def test_nothing_is_nothing():
    assert [read(b""), read(b"# only a remark")] == [None, None]
