"""Writes the sample workbook. Run by the spreadsheet server's Python: openpyxl is not ours."""

import sys

from openpyxl import Workbook

ROWS = (
    ("Department", "Quarter", "Planned", "Spent"),
    ("Research", "Q1", 120_000, 98_500),
    ("Research", "Q2", 120_000, 131_200),
    ("Sales", "Q1", 80_000, 79_900),
    ("Sales", "Q2", 85_000, 61_300),
    ("Support", "Q1", 40_000, 38_750),
    ("Support", "Q2", 42_000, 44_100),
)


def main(path: str) -> None:
    """Save a workbook with one sheet, Budget, at `path`."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Budget"
    for row in ROWS:
        sheet.append(row)
    book.save(path)


if __name__ == "__main__":
    main(sys.argv[1])
