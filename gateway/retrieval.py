"""Which of very many tools a question is about: BM25 over the fields of a tool, in pure Python.

The source of the formula: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
Beyond" (2009), §3.6 (several weighted fields counted into one frequency).
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from gateway.llm.base import ToolSpec
from gateway.words import related, terms

# How much one occurrence counts in each field.
_NAME, _SERVER, _OPENING, _DESCRIPTION, _ARGUMENT = 2.5, 1.5, 1.5, 0.5, 0.4
_SYNONYM = 0.25
_SATURATION = 1.2
_LENGTH = 0.5
_DESCRIPTION_WORDS = 120
# Index and documents of this many sets and tools are kept.
_INDEXES, _DOCUMENTS = 32, 20_000


class _Card(NamedTuple):
    """What of a tool is indexed; equal cards share their terms. A tuple, for its fast hash."""

    name: str
    server: str
    description: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class _Index:
    postings: Mapping[str, Sequence[tuple[int, float]]]
    rarity: Mapping[str, float]


def rank(question: str, tools: Sequence[ToolSpec]) -> list[tuple[ToolSpec, float]]:
    """All tools with their score for the question, best first; what shares no word has 0."""
    index = _index(tuple(_card(tool) for tool in tools))
    scores = [0.0] * len(tools)
    for term, weight in _asked(question, index.rarity).items():
        for place, frequency in index.postings.get(term, ()):
            scores[place] += weight * frequency
    order = sorted(range(len(tools)), key=lambda place: (-scores[place], tools[place].name))
    return [(tools[place], scores[place]) for place in order]


def matched(question: str, tool: ToolSpec) -> frozenset[str]:
    """The terms of the question that the tool knows, itself or by what may stand for them."""
    known = _document(_card(tool)).keys()
    return frozenset(term for term in terms(question) if term in known or related(term) & known)


def _asked(question: str, rarity: Mapping[str, float]) -> dict[str, float]:
    """The terms of the question by their weight, and with less weight what may stand for them.

    A rare synonym of a common word says no more than the common word does.
    """
    said = {term: rarity.get(term, math.inf) for term in terms(question)}
    asked = {term: weight for term, weight in said.items() if term in rarity}
    for term, weight in said.items():
        for other in related(term) & rarity.keys():
            worth = _SYNONYM * min(weight, rarity[other])
            asked[other] = max(asked.get(other, 0.0), worth)
    return asked


def _card(tool: ToolSpec) -> _Card:
    properties = tool.input_schema.get("properties")
    return _Card(
        name=tool.tool or tool.name,
        server=tool.server,
        description=tool.description,
        arguments=tuple(properties) if isinstance(properties, Mapping) else (),
    )


@lru_cache(maxsize=_INDEXES)
def _index(cards: tuple[_Card, ...]) -> _Index:
    documents = [_document(card) for card in cards]
    mean = sum(map(_length, documents)) / max(1, len(documents)) or 1.0
    postings: dict[str, list[tuple[int, float]]] = {}
    for place, document in enumerate(documents):
        norm = 1 - _LENGTH + _LENGTH * _length(document) / mean
        for term, count in document.items():
            frequency = count * (_SATURATION + 1) / (count + _SATURATION * norm)
            postings.setdefault(term, []).append((place, frequency))
    rarity = {
        term: math.log(1 + (len(cards) - len(places) + 0.5) / (len(places) + 0.5))
        for term, places in postings.items()
    }
    return _Index(postings=postings, rarity=rarity)


def _length(document: Mapping[str, float]) -> float:
    return sum(document.values())


@lru_cache(maxsize=_DOCUMENTS)
def _document(card: _Card) -> Mapping[str, float]:
    counted: Counter[str] = Counter()
    for text, weight in _fields(card):
        # A word counts once in a field: repeating it is no sign of relevance.
        for term in set(terms(text)):
            counted[term] += weight  # type: ignore[assignment]
    return counted


def _fields(card: _Card) -> Iterator[tuple[str, float]]:
    opening, _, rest = card.description.strip().partition("\n")
    first, _, more = opening.partition(". ")
    rest = " ".join(f"{more} {rest}".split()[:_DESCRIPTION_WORDS])
    yield card.name, _NAME
    yield card.server, _SERVER
    yield first, _OPENING
    yield rest, _DESCRIPTION
    yield " ".join(card.arguments), _ARGUMENT
