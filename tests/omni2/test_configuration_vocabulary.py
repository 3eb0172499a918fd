"""Every key is applied or reported: shown for each, on files that hold all of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from omni2.configuration.checking import check
from omni2.configuration.describe import Row, fill, rows, table
from omni2.configuration.reading import read_text
from omni2.configuration.shapes import (
    Applied,
    Data,
    Either,
    Flag,
    Ignored,
    ListOf,
    MapOf,
    Section,
    Shape,
    Stored,
    Text,
    Variable,
)
from omni2.configuration.vocabulary import ALL_VOCABULARIES as VOCABULARIES
from omni2.demo.surroundings import setting_names

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
ROWS = [(name, row) for name, vocabulary in VOCABULARIES.items() for row in rows(vocabulary)]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_key_has_an_effect(name: str) -> None:
    assert [row.path for row in rows(VOCABULARIES[name]) if row.effect is None] == []


@pytest.mark.parametrize("name", VOCABULARIES)
def test_page_holds_every_key_as_it_is(name: str) -> None:
    assert table(VOCABULARIES[name]) in PAGE.read_text()


def test_page_is_filled_from_the_vocabulary() -> None:
    page = PAGE.read_text()
    assert fill(re.sub(r"\| `mcps\[\]\.url`.*\n", "", page)) == page


def test_variables_that_keys_name_are_settings() -> None:
    named = {row.effect.name for _, row in ROWS if isinstance(row.effect, Variable)}
    assert named - setting_names() == set()


# --- What is not applied is reported ---
def sample(shape: Shape) -> Any:
    """A value of the shape with every key it may have."""
    match shape:
        case Section(keys=keys):
            return {key: sample(inner) for key, inner in keys.items()}
        case MapOf(key=key, value=value):
            return {key: sample(value)}
        case ListOf(item=item):
            return [sample(item)]
        case Either(options=options):
            return sample(options[-1])
        case Text(choices=choices):
            return choices[0] if choices else "text"
        case Flag() | Data():
            return True
    return 1


def shown(row: Row) -> str:
    """The row's path as the report writes it."""
    path = row.path.replace("[]", "[0]")
    return re.sub(r"\.(@\w+)", r"['\1']", path)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_file_with_every_key_has_a_note_for_each_that_is_not_applied(name: str) -> None:
    text = json.dumps(sample(VOCABULARIES[name]))
    found = check(read_text(text, name)[0], VOCABULARIES[name], environ={})
    assert found.problems == []
    noted = {note.place.path for note in found.notes}
    quiet = {shown(row) for file, row in ROWS if file == name and isinstance(row.effect, Applied)}
    # A value that may be of several kinds is sampled as the last: its own row is then not written.
    several = {shown(row) for _, row in ROWS if isinstance(row.shape, Either)}
    assert (
        noted - several
        == {
            shown(row)
            for file, row in ROWS
            if file == name and isinstance(row.effect, Ignored | Stored | Variable)
        }
        - several
    )
    assert noted & quiet == set()
