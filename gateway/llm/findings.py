"""What stands in a question and has a form of its own: times, dates, numbers, paths, codes."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import available_timezones

from gateway.llm.places import CURRENCIES, CURRENCY_NAMES, ZONES


@dataclass(frozen=True)
class Finding:
    """A value, its kind, and where in the question it stands."""

    kind: str
    value: str
    start: int
    end: int


_YEAR = "january february march april may june july august september october november december"
_MONTHS = _YEAR.split()
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" if month[3:] else month for month in _MONTHS)
_COUNTED = "one two three four five six seven eight nine ten"
_NUMBER_WORDS = {word: number for number, word in enumerate(_COUNTED.split(), start=1)}
_ENDINGS = "com|org|net|io|dev|ai|app|edu|gov|info|co|uk|de|fr|eu|il|us|example|test"

# In order of precedence: what one pattern has taken, a later one does not see.
_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "quoted",
        r"\"(?P<v>[^\"]+)\"|“(?P<v2>[^”]+)”|`(?P<v3>[^`]+)`|(?<!\w)['‘](?P<v4>[^'’]+)['’](?!\w)",
    ),
    ("url", r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]"),
    ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("datetime", r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:?\d{2})?\b"),
    ("date", r"\b\d{4}-\d{2}-\d{2}\b"),
    (
        "date",
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>{_MONTH})\.?,?\s+(?P<y>\d{{4}})\b",
    ),
    ("date", rf"\b(?P<m>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})\b"),
    ("date", r"\b(?P<r>today|yesterday|tomorrow)\b"),
    ("time", r"\b(?P<h>\d{1,2})(?:[:.](?P<n>\d{2}))?\s?(?P<half>am|pm|a\.m\.|p\.m\.)(?!\w)"),
    ("time", r"\b(?P<h>[01]?\d|2[0-3]):(?P<n>[0-5]\d)\b"),
    ("time", r"\b(?P<word>noon|midnight)\b"),
    ("path", r"(?<![\w/])(?:~|\.{1,2})?/[\w.~-]+(?:/[\w.~-]*)*"),
    ("path", r"\b[A-Za-z]:\\[\w\\.~-]+"),
    ("domain", rf"(?<![\w.-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_ENDINGS})\b"),
    ("path", r"(?<![\w./-])[\w-]+(?:/[\w.-]+)*\.[A-Za-z]\w{0,4}\b(?!\()"),
    ("slug", r"(?<![\w/.])[A-Za-z][\w.-]*/[A-Za-z][\w.-]*(?![\w/])"),
    ("percent", r"(?<![\w.])-?\d+(?:\.\d+)?\s?%"),
    ("number", r"(?<![\w.:-])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w%:-])(?!\.\d)"),
    ("number", rf"\b(?P<w>{'|'.join(_NUMBER_WORDS)})\b"),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)

# Some patterns take quadratic time on text made for it.
_LONGEST = 2_000


def find(question: str, *, today: date) -> list[Finding]:
    """Everything with a form of its own, in the order of the question; nothing overlaps."""
    found: list[Finding] = []
    for kind, pattern in _COMPILED:
        for match in pattern.finditer(question[:_LONGEST]):
            value = _READERS.get(kind, _as_written)(match, today)
            if value and not any(_overlap(match.span(), other) for other in found):
                found.append(Finding(kind, value, *match.span()))
    return sorted(found, key=lambda finding: finding.start)


def _overlap(span: tuple[int, int], other: Finding) -> bool:
    return span[0] < other.end and other.start < span[1]


def _as_written(match: re.Match[str], _today: date) -> str:
    return match.group()


def _quoted(match: re.Match[str], _today: date) -> str:
    return next(group for group in match.groups() if group is not None).strip()


def _number(match: re.Match[str], _today: date) -> str:
    written = match.group().lower()
    return str(_NUMBER_WORDS.get(written, written.replace(",", "")))


def _date(match: re.Match[str], today: date) -> str:
    parts = match.groupdict()
    try:
        if parts.get("r"):
            days = {"yesterday": -1, "today": 0, "tomorrow": 1}[parts["r"].lower()]
            return (today + timedelta(days=days)).isoformat()
        if parts.get("m"):
            month = [name[:3] for name in _MONTHS].index(parts["m"][:3].lower()) + 1
            return date(int(parts["y"]), month, int(parts["d"])).isoformat()
        return date.fromisoformat(match.group()).isoformat()
    except ValueError:
        return ""


def _time(match: re.Match[str], _today: date) -> str:
    parts = match.groupdict()
    if word := parts.get("word"):
        return "12:00" if word.lower() == "noon" else "00:00"
    hour, minute = int(parts["h"]), int(parts["n"] or 0)
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            return ""
        hour = hour % 12 + (12 if half.lower().startswith("p") else 0)
    return f"{hour:02}:{minute:02}"


_READERS: dict[str, Callable[[re.Match[str], date], str]] = {
    "quoted": _quoted,
    "number": _number,
    "date": _date,
    "time": _time,
}


def find_zones(question: str) -> list[Finding]:
    """The IANA time zones named by zone, city, country or abbreviation, in order."""
    found = _named("zone", question, _zones())
    return [one for one in found if not _only_a_word(question[one.start : one.end])]


def find_currencies(question: str) -> list[Finding]:
    """The ISO 4217 currency codes named by code, symbol or name, in order."""
    codes = [
        Finding("currency", match.group().upper(), *match.span())
        for match in re.finditer(r"\b[A-Za-z]{3}\b", question)
        if match.group().upper() in CURRENCIES and (match.group().isupper() or question.islower())
    ]
    named = _named("currency", question, CURRENCY_NAMES)
    return sorted([*codes, *named], key=lambda finding: finding.start)


def _named(kind: str, question: str, names: dict[str, str]) -> Iterator[Finding]:
    """Every name that stands in the question; of two that begin at one place, the longer one."""
    tokens = list(re.finditer(r"[^\W_]+(?:[_/'.+-][^\W_]+)*|[$€£¥₪]", question))
    at = 0
    while at < len(tokens):
        for length in (4, 3, 2, 1):
            start, end = tokens[at].start(), tokens[min(at + length, len(tokens)) - 1].end()
            written = question[start:end]
            code = names.get(written.lower()) or names.get(written.lower().replace("_", " "))
            if at + length <= len(tokens) and code:
                yield Finding(kind, code, start, end)
                at += length - 1
                break
        at += 1


def _only_a_word(written: str) -> bool:
    """Abbreviations must be written as such: MET is a zone, `met` is a verb."""
    return len(written) <= 3 and written.isalpha() and not written.isupper()


@cache
def _zones() -> dict[str, str]:
    names: dict[str, str] = {}
    for zone in sorted(available_timezones(), key=_least_telling):
        names[zone.lower()] = zone
        names[zone.rpartition("/")[2].replace("_", " ").lower()] = zone
    return names | {name: zone for name, zone in ZONES.items() if zone.lower() in names}


def _least_telling(zone: str) -> tuple[bool, str]:
    """Of two zones of one name the last wins: a continent's, then the first of the alphabet."""
    continents = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Pacific/")
    return (zone.startswith(continents), "".join(chr(0x10FFFF - ord(letter)) for letter in zone))
