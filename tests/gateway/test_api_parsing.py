"""JSON as we take it: one meaning for every reader, or none."""

import pytest

from gateway.api_parsing import MAX_BYTES, Malformed, strict_loads


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, -2.5, true, null, "\\u00e9"]}', {"a": [1, -2.5, True, None, "é"]}),
        ('"😀"'.encode(), "😀"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"' + b"[" * 1000 + b'"', "[" * 1000),
        (b'"\\"' + b"[" * 1000 + b'"', '"' + "[" * 1000),
        (b"[" * 64 + b"]" * 64, None),
        (b"9" * 300, int("9" * 300)),
        (b"1e308", 1e308),
        (b"[]" * 0 + b"[" + b"[]," * 500 + b"[]]", [[]] * 501),
    ],
)
def test_json_is_read(data, value):
    read = strict_loads(data)
    assert value is None or read == value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Not JSON: Expecting value at line 1, column 1."),
        (b'{"a":\n1} x', "Not JSON: Extra data at line 2, column 4."),
        (b'{"a": 1, "a": 1}', 'The key "a" stands twice in one object.'),
        (b'[{"a": {"b": 1, "b": 2}}]', 'The key "b" stands twice in one object.'),
        (b"NaN", "NaN is not JSON."),
        (b"[-Infinity]", "-Infinity is not JSON."),
        (b"1e999", "The number 1e999 is too large."),
        (b"-1e999", "The number -1e999 is too large."),
        (b"9" * 5000, "A number has more than 300 digits."),
        (b'"\\ud800"', "A text holds half a character."),
        (b'{"\\udc00": 1}', "A text holds half a character."),
        (b'"\xff"', "The body is not UTF-8."),
        (b'"\xed\xa0\x80"', "The body is not UTF-8."),
        (b"[" * 65 + b"]" * 65, "Nested deeper than 64 levels."),
        (b'{"a":' * 65, "Nested deeper than 64 levels."),
        (b"[" * MAX_BYTES, "Nested deeper than 64 levels."),
        (b" " * (MAX_BYTES + 1), "The body is larger than 1 MiB."),
    ],
)
def test_what_has_no_one_meaning_is_refused_with_a_sentence(data, said):
    with pytest.raises(Malformed) as caught:
        strict_loads(data)
    assert str(caught.value) == said
