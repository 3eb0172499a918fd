"""The demo's sample data: a shop's database, a workbook, a repository. All of it is made up."""

import os
import sqlite3
import subprocess
from pathlib import Path

from omni2.demo.place import ROOT, Place

SCHEMA = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price_cents INTEGER NOT NULL);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity INTEGER NOT NULL,
  ordered_on TEXT NOT NULL
);
"""
ORDER = "INSERT INTO orders (customer_id, product_id, quantity, ordered_on) VALUES (?, ?, ?, ?)"
CUSTOMERS = (
    ("Alder & Co", "Lisbon"),
    ("Birch Ltd", "Oslo"),
    ("Cedar Works", "Tokyo"),
    ("Dogwood Studio", "Lima"),
    ("Elm Street Books", "Boston"),
    ("Fir Trading", "Nairobi"),
)
PRODUCTS = (
    ("Notebook", 450),
    ("Fountain pen", 3900),
    ("Desk lamp", 5900),
    ("Paper clips", 180),
    ("Whiteboard", 12900),
)


def make_shop(path: Path) -> None:
    """Make the shop's database, whole or not at all; one that is there stays as it is."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    database = sqlite3.connect(draft)
    with database:
        database.executescript(SCHEMA)
        database.executemany("INSERT INTO customers (name, city) VALUES (?, ?)", CUSTOMERS)
        database.executemany("INSERT INTO products (name, price_cents) VALUES (?, ?)", PRODUCTS)
        database.executemany(ORDER, (_order(number) for number in range(60)))
    database.close()
    draft.rename(path)


def _order(number: int) -> tuple[int, int, int, str]:
    customer, product = number % len(CUSTOMERS) + 1, number * 7 % len(PRODUCTS) + 1
    return customer, product, number % 4 + 1, f"2026-{number % 10 + 1:02}-15"


def make_workbook(place: Place) -> None:
    """Make `budget.xlsx` with the spreadsheet server's own Python, which has what that takes."""
    path = place.workbooks / "budget.xlsx"
    if path.exists():
        return
    place.workbooks.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("workbook.py")
    python = place.program("spreadsheets", "python")
    subprocess.run([python, str(script), str(path)], check=True)


def find_repository(place: Place) -> Path:
    """This very clone, or a small repository made for the demo where this is not a clone."""
    if _has_commits(ROOT):
        return ROOT
    if not _has_commits(place.sample_repository):
        make_repository(place.sample_repository)
    return place.sample_repository


def _has_commits(folder: Path) -> bool:
    log = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    return (folder / ".git").exists() and subprocess.run(log, capture_output=True).returncode == 0


def make_repository(folder: Path) -> None:
    """A repository with three commits."""
    folder.mkdir(parents=True, exist_ok=True)
    name = {"GIT_AUTHOR_NAME": "Demo", "GIT_AUTHOR_EMAIL": "demo@example.com"}
    name |= {"GIT_COMMITTER_NAME": "Demo", "GIT_COMMITTER_EMAIL": "demo@example.com"}

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=folder, env=os.environ | name, check=True)

    git("init", "--quiet")
    for number, subject in enumerate(("Open the shop", "Sell pens", "Count the stock"), start=1):
        (folder / "notes.txt").write_text(f"{number}. {subject}\n")
        git("add", "notes.txt")
        git("commit", "--quiet", "--message", subject)
