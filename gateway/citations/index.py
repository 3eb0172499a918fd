"""A result, read once: which figures, dates, times and names stand in it, and where.

Everything that touches the whole text is one pass of the regular-expression engine or one `find`:
1 MB of rows is indexed in some 30 ms (`benchmarks/provenance.py`).
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from gateway.citations import figures, moments
from gateway.citations.model import Reading

# A run of digits with what may stand between them; not the end of a name, nor its beginning.
_RUN = re.compile(
    r"[0-9](?<![A-SU-Za-z_0-9.][0-9])(?<!\w-[0-9])(?:[0-9.,:/'\u2019\u00a0\u202f-]*[0-9])?"
    r"(?!(?!T\d\d:)[A-Za-z]{0,3}[0-9_])"
)
_GROUPED = re.compile(r"(?<![\d.,])\d+(?:[.,'\u2019\u00a0\u202f]\d+)+(?![\d])")
_LISTED = re.compile(r"\d+(?:\.\d+)?")
_DATE = re.compile(rf"(?<!\d)(?:{moments.NUMERIC})(?!\d)")
_TIME = re.compile(r"(?<![\d.])\d{1,2}:\d\d(?::\d\d)?(?!\d)")
_SPACED = re.compile(r"(?<![\d.,])[0-9]{1,3}(?: [0-9]{3})+(?![0-9])(?:[.,]\d+)?")
_WRITTEN = re.compile(moments.WRITTEN)
# A figure's end is no figure; but times stand behind a T, and versions behind a v.
_JOINED_BEFORE = re.compile(r"[^\W tv]$|\d[.]$")
_JOINED_AFTER = re.compile(r"[.]\d")
# Where the same thing stands more often, the best of so many places is taken.
MOST_PLACES = 12
# A month's name is looked at so often: a text may be nothing but dates.
MOST_MONTHS = 5_000
_MOST_LOOKS = 60
# Figures with spaces in them are looked for in so much of a text.
_SPACED_CHARACTERS = 200_000


@dataclass(frozen=True)
class Place:
    """Where in the text something stands, and how it is spelled there."""

    at: int
    spelling: str


class Index:
    """One text, indexed when it is first asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._months: dict[int, dict[str, str]] = {}

    @cached_property
    def lower(self) -> str:
        # The one character that becomes two when lowered: every place would be off by one.
        return self.text.replace("\u0130", "I").lower()

    @cached_property
    def _runs(self) -> tuple[list[str], str]:
        """The plain figures, and everything else that has digits, each once."""
        runs = dict.fromkeys(_RUN.findall(self.text))
        whole = dict.fromkeys(filter(str.isdigit, runs))
        others = runs.keys() - whole.keys()
        broken = [run for run in others if run.replace(".", "", 1).isdigit()]
        return [*whole, *broken], "\n".join(others.difference(broken))

    @cached_property
    def numbers(self) -> dict[float, str]:
        """Every figure with one spelling of it."""
        plain, others = self._runs
        found = dict(zip(map(float, plain), plain, strict=True))
        for run in _GROUPED.findall(others):
            for value, _ in figures.read(run):
                found.setdefault(float(value), run)
            for part in _LISTED.findall(run) if "," in run else ():
                found.setdefault(float(part), part)
        for run in _SPACED.findall(self.text[:_SPACED_CHARACTERS]):
            for value, _ in figures.read(run):
                found.setdefault(float(value), run)
        return found

    @cached_property
    def _ordered(self) -> list[float]:
        return sorted(self.numbers)

    @cached_property
    def dates(self) -> dict[str, str]:
        """Every date in digits by its keys, whole and without its day or year."""
        return _by_keys(_DATE.findall(self._runs[1]))

    @cached_property
    def times(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for spelling in _TIME.findall(self._runs[1]):
            key = moments.key_of_time(spelling)
            found.setdefault(key, spelling)
            found.setdefault(key[:5], spelling)
        return found

    # --- What stands here -------------------------------------------------------------------------
    def exactly(self, reading: Reading) -> str:
        """The spelling of that very value; empty where it is not here."""
        return self.numbers.get(float(reading.value), "")

    def nearly(self, reading: Reading) -> str:
        """The spelling of the value nearest to it that it can be rounded from."""
        half = float(reading.step) / 2
        value = float(reading.value)
        low, high = value - half * 1.000001, value + half * 1.000001
        start = bisect_left(self._ordered, low)
        end = bisect_left(self._ordered, high, lo=start)
        if start == end:
            return ""
        around = bisect_left(self._ordered, value, lo=start, hi=end)
        nearest = min(self._ordered[max(start, around - 1) : around + 1] or [self._ordered[start]],
                      key=lambda one: abs(one - value))  # fmt: skip
        return self.numbers[nearest]

    def date(self, keys: Sequence[str]) -> str:
        """A spelling of one of these dates."""
        found = next((self.dates[key] for key in keys if key in self.dates), "")
        return found or next((spelling for key in keys if (spelling := self._written(key))), "")

    def year(self, year: str) -> str:
        """A date of that year; empty where there is none, or it is no year."""
        return self.dates.get(year, "")

    def time(self, key: str) -> str:
        return self.times.get(key, "")

    def _written(self, key: str) -> str:
        """A date with its month in words; each month is looked for once."""
        month = int(key[2:4] if key.startswith("--") else key[5:7])
        if month not in self._months:
            places = islice(moments.beside_month(month).finditer(self.lower), MOST_MONTHS)
            near = {self.lower[max(0, one.start() - 14) : one.end() + 24] for one in places}
            spelled = [match[0] for part in near for match in _WRITTEN.finditer(part)]
            self._months[month] = _by_keys(spelled)
        return self._months[month].get(key, "")

    # --- Where it stands --------------------------------------------------------------------------
    def places(self, spelling: str) -> list[Place]:
        """Where this stands by itself and not as a part of something longer; the first ones."""
        wanted = spelling.lower()
        found = []
        for at in _occurrences(self.lower, wanted):
            if _stands_alone(self.lower, at, at + len(wanted)):
                found.append(Place(at, self.text[at : at + len(wanted)]))
                if len(found) == MOST_PLACES:
                    break
        return found


def _by_keys(spellings: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for spelling in spellings:
        for key in _keys_and_parts(moments.keys_of_date(spelling)):
            found.setdefault(key, spelling)
    return found


def _keys_and_parts(keys: Sequence[str]) -> list[str]:
    """A date's keys, and those of its month, its year and of its day without the year."""
    parts = list(keys)
    for key in keys:
        if len(key) == 10:
            parts += [key[:7], key[:4], f"-{key[4:]}"]
    return parts


def _occurrences(text: str, wanted: str) -> Iterator[int]:
    at = text.find(wanted)
    for _ in range(_MOST_LOOKS):
        if at < 0:
            return
        yield at
        at = text.find(wanted, at + 1)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no name and no figure goes on at either side."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if text[start].isdigit() and _JOINED_BEFORE.search(before):
        return False
    if text[end - 1].isdigit() and (after[:1].isdigit() or _JOINED_AFTER.match(after)):
        return False
    return not (_goes_on(text[start], before[-1:]) or _goes_on(text[end - 1], after[:1]))


def _goes_on(own: str, beside: str) -> bool:
    return own.isalpha() and (beside.isalnum() or beside == "_")
