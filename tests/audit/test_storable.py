"""What can be kept is kept as it is; in the place of the rest stands a sign."""

import pytest

from audit.storable import LOST, flaw_of, is_storable, storable

KEPT = ["", "a\nb", "\U0001f600 \u212a \ufffd \uffff", 0, 1.5, True, None, {"a": [{"b": "c"}]}, []]
NOT_KEPT = [
    ("a\0b", "a?b"),
    ("\ud83d", "?"),
    ("\ude00\ud83d", "??"),
    (LOST, "?"),
    (float("nan"), "?"),
    (float("-inf"), "?"),
    ({"a\0": ["\0", {"b": "\ud800"}]}, {"a?": ["?", {"b": "?"}]}),
]


@pytest.mark.parametrize("value", KEPT, ids=repr)
def test_what_can_be_kept_stays_as_it_is(value):
    assert (storable(value), is_storable(value), flaw_of(value)) == (value, True, "")


@pytest.mark.parametrize(("value", "kept"), NOT_KEPT, ids=range(len(NOT_KEPT)))
def test_what_cannot_be_kept_is_replaced(value, kept):
    assert (storable(value, instead="?"), is_storable(value)) == (kept, False)


def test_what_was_lost_is_not_storable_either_and_is_shown_as_lost():
    assert not is_storable(storable("a\0b", instead=LOST))
    assert storable(storable("a\0b", instead=LOST)) == "a\ufffdb"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([{"a": "b\0"}], "a NUL"),
        ({"\ud800": 1}, "half a character (\\ud800)"),
        ([LOST], "U+FDD0, which stands for what was lost"),
        ({"a": [float("inf")]}, "NaN or a number beyond all limits"),
    ],
    ids=range(4),
)
def test_what_cannot_be_kept_is_told(value, said):
    assert flaw_of(value) == said
