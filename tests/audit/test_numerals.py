"""A whole number is ASCII digits, and not too many."""

import pytest

from audit.numerals import is_digits


@pytest.mark.parametrize("given", ["0", "007", "99999", b"12"])
def test_these_are_whole_numbers(given: str | bytes) -> None:
    assert is_digits(given, 5)


@pytest.mark.parametrize(
    "given", ["", "-1", "+1", " 1", "1_0", "1.0", "1e3", "٣", "²", "１", "123456", b"", b"1 "]
)
def test_these_are_none_though_python_may_read_some(given: str | bytes) -> None:
    assert not is_digits(given, 5)
