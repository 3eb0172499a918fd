"""Bytes as they come: all of them, however they were cut, and gone when they are done with."""

import pytest

from registry.mcp.body import Body
from registry.mcp.large import LARGE_BYTES
from registry.mcp.parsing import BYTE_LIMIT


@pytest.mark.parametrize("size", [0, 5, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 1, 1_000_000])
@pytest.mark.parametrize("piece", [1_000, 65_536])
def test_what_was_added_is_read(size: int, piece: int) -> None:
    whole = bytes(number % 251 for number in range(size))
    with Body() as body:
        for start in range(0, size, piece):
            body.add(whole[start : start + piece])
        assert (body.size, body.first(size), body.first(10 * BYTE_LIMIT)) == (size, whole, whole)
        assert body.first(7) == whole[:7]


def test_beyond_all_limits_only_the_size_is_kept() -> None:
    with Body() as body:
        for _ in range(100):
            body.add(b"x" * 65_536)
        assert body.size == 6_553_600
        assert len(body.first(BYTE_LIMIT)) == BYTE_LIMIT


def test_what_it_took_is_given_back() -> None:
    with Body() as body:
        body.add(b"x" * 2 * LARGE_BYTES)
    assert body._large is not None and body._large.closed
    with Body() as body:
        body.add(b"x")
    assert not body._small
