"""Each claim of an answer is held against the sources, the results first."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.citations import claims, computed
from gateway.citations.index import Index, Place
from gateway.citations.model import Citation, Claim, Kind, Linked, Origin, Reading, Source, Status

# So much of the results is read; of what comes after, nothing is known.
MOST_READ = 2_000_000
_AROUND = 80
_WORD = re.compile(r"[^\W\d_]{3,}")
_SAID = (Origin.QUESTION, Origin.ARGUMENTS)


@dataclass(frozen=True)
class _Read:
    """A source with its index."""

    source: Source
    index: Index


def link(answer: str, sources: Sequence[Source]) -> Linked:
    """Say of each claim in `answer` where it is from; earlier sources win over later ones."""
    found, all_of_them = claims.find(answer)
    read, whole = _read(sources if found else ())
    results = [one for one in read if one.source.origin not in _SAID]
    said = [one for one in read if one.source.origin in _SAID]
    made = [_cite(claim, _words_near(answer, claim), results, said) for claim in found]
    return Linked(tuple(_computed(answer, made, results)), whole and all_of_them)


def _computed(
    answer: str, made: Sequence[Citation], results: Sequence[_Read]
) -> Iterator[Citation]:
    """The same citations; what stands in no result and can be worked out of one says how."""
    facts = [(one, computed.facts_of(one.index.text)) for one in results] if _any_left(made) else []
    for cited in made:
        yield _worked_out(answer, cited, made, facts) if _is_left(cited) else cited


def _any_left(made: Iterable[Citation]) -> bool:
    return any(map(_is_left, made))


def _is_left(cited: Citation) -> bool:
    return cited.status is Status.UNSUPPORTED and cited.claim.kind is Kind.NUMBER


def _worked_out(
    answer: str,
    cited: Citation,
    made: Sequence[Citation],
    facts: Sequence[tuple[_Read, Sequence[computed.Fact]]],
) -> Citation:
    claim = cited.claim
    start, end = _line_of(answer, claim)
    line = answer[start:end].lower()
    for read, known in facts:
        fact = computed.find(claim, known, line)
        if fact is not None:
            return Citation(claim, Status.COMPUTED, read.source, how=fact.how)
    beside = [one for one in made if start <= one.claim.start < end]
    two = computed.from_two(claim, beside)
    if two is None:
        return cited
    return Citation(claim, Status.COMPUTED, two[0].source, two[0].at, two[0].length, two[1])


def _read(sources: Iterable[Source]) -> tuple[list[_Read], bool]:
    read, left = [], MOST_READ
    whole = True
    for source in sources:
        whole = whole and len(source.text) <= left
        read.append(_Read(source, Index(source.text[:left])))
        left -= min(left, len(source.text))
    return read, whole


def _words_near(answer: str, claim: Claim) -> frozenset[str]:
    """The words of the claim's line, by which the right one of several places is told."""
    start, end = _line_of(answer, claim)
    return frozenset(_WORD.findall(answer[start:end].lower()))


def _line_of(answer: str, claim: Claim) -> tuple[int, int]:
    """From where to where the claim's line goes, and not too far to either side."""
    start = max(answer.rfind("\n", 0, claim.start) + 1, claim.start - 2 * _AROUND)
    end = answer.find("\n", claim.end)
    return start, min(len(answer) if end < 0 else end, claim.end + 2 * _AROUND)


def _cite(
    claim: Claim, words: frozenset[str], results: Sequence[_Read], said: Sequence[_Read]
) -> Citation:
    for group, exact in ((results, Status.FOUND), (said, Status.ASKED)):
        found = _best(claim, words, group, lambda index: _exactly(index, claim), exact)
        if found is not None:
            return found
    for group, near in ((results, Status.ROUNDED), (said, Status.ASKED)):
        found = _best(claim, words, group, lambda index: _nearly(index, claim), near)
        if found is not None:
            return found
    return Citation(claim, Status.UNSUPPORTED)


def _exactly(index: Index, claim: Claim) -> str:
    if claim.kind is Kind.DATE:
        return index.date(claim.keys)
    if claim.kind is Kind.TIME:
        return index.time(claim.keys[0])
    if claim.kind is Kind.IDENTIFIER:
        return next((key for key in claim.keys if index.places(key)), "")
    plain = _first(index.exactly, (one for one in claim.readings if not one.converted))
    return plain or (index.year(claim.text) if len(claim.text) == 4 else "")


def _nearly(index: Index, claim: Claim) -> str:
    if claim.kind is not Kind.NUMBER:
        return ""
    converted = _first(index.exactly, (one for one in claim.readings if one.converted))
    return converted or _first(index.nearly, (one for one in claim.readings if one.rounds))


def _first(look: Callable[[Reading], str], readings: Iterable[Reading]) -> str:
    return next((spelling for one in readings if (spelling := look(one))), "")


def _best(
    claim: Claim,
    words: frozenset[str],
    group: Sequence[_Read],
    spell: Callable[[Index], str],
    status: Status,
) -> Citation | None:
    """The place with most of the words that stand around the claim, in all of these sources."""
    best: tuple[int, _Read, Place] | None = None
    for one in group:
        spelling = spell(one.index)
        for place in _places(one.index, spelling, claim) if spelling else ():
            score = _alike(one.index.lower, place, words)
            if best is None or score > best[0]:
                best = (score, one, place)
    if best is None:
        return None
    _, one, place = best
    how = "" if place.spelling.lower() == claim.text.lower() else place.spelling
    return Citation(claim, status, one.source, place.at, len(place.spelling), how)


def _places(index: Index, spelling: str, claim: Claim) -> list[Place]:
    places = index.places(spelling)
    if not claim.negative:
        return places
    return [
        place for place in places if index.text[place.at - 1 : place.at] in ("-", "\u2212", "(")
    ]


def _alike(text: str, place: Place, words: frozenset[str]) -> int:
    near = text[max(0, place.at - _AROUND) : place.at + len(place.spelling) + _AROUND]
    return sum(1 for word in words if word in near)
