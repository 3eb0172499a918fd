"""The arithmetic, held against itself and against values reckoned by hand."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import chain

LEAVES = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(7)]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_canonical_json_has_one_spelling() -> None:
    assert chain.canonical({"b": [1, "é"], "a": None}) == b'{"a":null,"b":[1,"\\u00e9"]}'
    assert chain.canonical({"b": 1, "a": 2}) == chain.canonical({"a": 2, "b": 1})


def test_one_moment_has_one_spelling_in_every_zone() -> None:
    moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    there = moment.astimezone(timezone(timedelta(hours=9)))
    assert chain.leaf({"at": moment}) == chain.leaf({"at": there})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"person": "ada"}, {"person": "bob"}),
        ({"person": "ada"}, {"role": "ada"}),
        ({"cost": Decimal(0)}, {"cost": None}),
        ({"milliseconds": 0}, {"milliseconds": None}),
        ({"arguments": {}}, {"arguments": None}),
        ({"arguments": {"a": 1}}, {"arguments": {"a": "1"}}),
        ({"person": "a", "role": "b"}, {"person": "ab", "role": ""}),
    ],
)
def test_different_columns_have_different_leaves(one: dict, other: dict) -> None:
    assert chain.leaf(one) != chain.leaf(other)


def test_a_new_empty_column_changes_no_leaf() -> None:
    columns = {"person": "ada", "at": datetime(2026, 3, 1, tzinfo=UTC)}
    assert chain.leaf(columns) == chain.leaf({**columns, "later": "", "much_later": None})


def test_what_has_no_spelling_is_refused() -> None:
    with pytest.raises(TypeError, match="a set has no canonical spelling"):
        chain.leaf({"detail": {"a": {1}}})
    with pytest.raises(ValueError, match="not JSON compliant"):
        chain.leaf({"milliseconds": float("nan")})


def test_the_root_of_three_leaves_is_reckoned_by_hand() -> None:
    a, b, c = (sha(b"\x00" + bytes.fromhex(item)) for item in LEAVES[:3])
    assert chain.merkle_root(LEAVES[:3]) == sha(b"\x01" + sha(b"\x01" + a + b) + c).hex()


def test_the_root_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one entry"):
        chain.merkle_root([])


@given(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=9), st.data())
def test_another_list_of_leaves_has_another_root(leaves: list[str], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=9))
    assert (chain.merkle_root(leaves) == chain.merkle_root(other)) == (leaves == other)


@given(st.sets(st.integers(min_value=1, max_value=60), min_size=1))
def test_ranges_name_exactly_the_ids(numbers: set[int]) -> None:
    assert list(chain.ids(chain.ranges(sorted(numbers)))) == sorted(numbers)


def test_ranges_are_short() -> None:
    assert chain.ranges([1, 2, 3, 7, 9, 10]) == "1-3,7,9-10"


def test_a_witness_is_eight_bytes_of_each_leaf() -> None:
    expected = bytes.fromhex(LEAVES[0])[:8] + bytes.fromhex(LEAVES[1])[:8]
    assert chain.witness(LEAVES[:2]) == expected


@pytest.mark.parametrize("column", ["previous", "root", "number", "members", "sealed_at"])
def test_a_blocks_digest_covers_each_column(column: str) -> None:
    block = {
        "previous": "",
        "root": LEAVES[0],
        "number": 1,
        "members": "1-3",
        "sealed_at": datetime(2026, 3, 1, tzinfo=UTC),
    }
    changed = {**block, column: 2 if column == "number" else "x"}
    assert chain.block_digest(**block) != chain.block_digest(**changed)
