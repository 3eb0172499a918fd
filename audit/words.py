"""Words of an entry, and what somebody looks for among them; the same on every database.

A word is letters and digits, without case and accents. So `get_orders` is two words and is looked
for as two that stand side by side, as is `INC-4711` or an e-mail address.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain as joined
from itertools import islice
from typing import Any

# Of one entry, and of one word: what goes on longer is not there to be read.
MOST_WORDS = 3000
LONGEST = 60
MOST_TERMS = 20

TEXTS = ("person", "role", "server", "tool", "rule", "reason", "error_code", "error_id")
CONTENTS = ("arguments", "preview", "detail")
COLUMNS = (*TEXTS, *CONTENTS)

_WORD = re.compile(r"[^\W_]+")
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


class Unclear(ValueError):
    """There is nothing in it to look for; the message says what to give."""


def words(text: str) -> list[str]:
    """The words of a text, in their order."""
    if text.isascii():
        return [word[:LONGEST] for word in _WORD.findall(text.lower())]
    plain = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(one for one in plain if not unicodedata.combining(one))
    return [word[:LONGEST] for word in _WORD.findall(bare)]


def of_columns(values: Iterable[Any]) -> list[str]:
    """The words of an entry, given its `COLUMNS`."""
    said = joined.from_iterable(words(text) for value in values for text in _texts(value))
    return list(islice(said, MOST_WORDS))


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in a JSON value, with the names of its fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)


# --- What is looked for ---------------------------------------------------------------------------
@dataclass(frozen=True)
class Term:
    """Words side by side; of the last one maybe only its beginning."""

    words: tuple[str, ...]
    begins: bool = False

    def for_postgresql(self) -> str:
        """As a part of a tsquery; a word has nothing in it that would need escaping."""
        return " <-> ".join(f"'{word}'" for word in self.words) + (":*" if self.begins else "")

    def for_sqlite(self) -> str:
        """As a phrase of FTS5."""
        return f'"{" ".join(self.words)}"' + ("*" if self.begins else "")


@dataclass(frozen=True)
class Search:
    """All of `wanted` stand in an entry, and none of `unwanted`."""

    wanted: tuple[Term, ...]
    unwanted: tuple[Term, ...] = ()

    def for_postgresql(self) -> str:
        """As a tsquery."""
        wanted = [f"({term.for_postgresql()})" for term in self.wanted]
        return " & ".join([*wanted, *(f"!({term.for_postgresql()})" for term in self.unwanted)])

    def for_sqlite(self) -> str:
        """As FTS5 spells it."""
        wanted = " AND ".join(term.for_sqlite() for term in self.wanted)
        return "".join([f"({wanted})", *(f" NOT {term.for_sqlite()}" for term in self.unwanted)])


def search(text: str) -> Search:
    """What a text looks for: every word, a phrase in quotes, no `-word`, what begins as `wor*`.

    Raises Unclear where no word is left to be looked for, or there are more than twenty terms.
    """
    terms: dict[bool, list[Term]] = {True: [], False: []}
    for minus, quoted, bare in _TERM.findall(text):
        found = tuple(words(quoted or bare))
        if found:
            terms[not minus].append(Term(found, begins=bare.endswith("*")))
    if not terms[True]:
        raise Unclear("Give a word to look for: letters or digits, not only what is left out.")
    if sum(map(len, terms.values())) > MOST_TERMS:
        raise Unclear(f"Look for {MOST_TERMS} words and phrases at most.")
    return Search(tuple(terms[True]), tuple(terms[False]))
