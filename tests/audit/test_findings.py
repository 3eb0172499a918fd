"""A finding says what is wrong, and where, in one line."""

import pytest

from audit.findings import PROBLEMS, BrokenError, Finding


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (Finding("changed", 7, 2), "entry 7, block 2: it was changed after it was written"),
        (Finding("missing", 7), "entry 7: it was sealed and is gone"),
        (Finding("block-missing", block=2), "block 2: the block is gone"),
    ],
)
def test_a_finding_names_its_place(finding: Finding, said: str) -> None:
    assert (str(finding), str(BrokenError(finding))) == (said, said)


def test_every_kind_has_its_own_words() -> None:
    assert len(set(PROBLEMS.values())) == len(PROBLEMS)
