"""docs/security.md names a test for every threat it answers for, and each of them is there."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs/security.md").read_text("utf-8")
ROWS = re.findall(r"^\| (T-\d\d) \|.*\| (.*) \|$", TEXT, re.MULTILINE)
NUMBERS = [
    *range(1, 19),
    20,
    21,
    23,
    25,
    26,
    27,
    28,
    29,
    *range(31, 40),
    40,
    41,
    42,
    *range(43, 57),
    57,
    59,
    60,
]


def named(cell):
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cell)


def test_every_threat_has_its_row_and_every_row_its_tests():
    assert [row for row, _ in ROWS] == [f"T-{number:02}" for number in NUMBERS]
    assert [row for row, cell in ROWS if not named(cell)] == []


def test_every_test_that_is_named_is_there():
    missing = [
        f"{file}::{name}"
        for file, name in named(TEXT)
        if not re.search(rf"^def {name}\(", (REPOSITORY / file).read_text("utf-8"), re.MULTILINE)
    ]
    assert missing == []
