"""Dates and times as people write them, in the one form that can be compared.

A date becomes `2026-11-26`; without its day `2026-11`, without its year `--11-26`. What can be read
in two ways (03/04/2026) becomes both.
"""

import re
from datetime import date
from functools import lru_cache

_NAMES = (
    "january jan januar jänner janvier enero gennaio janeiro januari",
    "february feb februar février fevrier febrero febbraio fevereiro februari",
    "march mar märz mars marzo março maart mrz",
    "april apr avril abril aprile",
    "may mai mayo maggio maio mei",
    "june jun juni juin junio giugno junho",
    "july jul juli juillet julio luglio julho",
    "august aug août aout agosto augustus",
    "september sep sept septembre septiembre settembre setembro",
    "october oct oktober okt octobre octubre ottobre outubro",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre decembre diciembre dicembre dezembro",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = r"[0-3]?\d(?:st|nd|rd|th|er|º|\.)?"
_YEAR = r"(?:19|20)\d\d"

NUMERIC = rf"{_YEAR}[-/.](?:0?\d|1[0-2])[-/.](?:[0-2]?\d|3[01])|[0-3]?\d[/.-][0-3]?\d[/.-]{_YEAR}"
WRITTEN = (
    rf"{_DAY}\s?(?:of\s|de\s)?(?:{MONTH})\b\.?(?:,?\s(?:de\s)?{_YEAR})?"
    rf"|\b(?:{MONTH})\.?\s{_DAY}(?!\d)(?:,?\s{_YEAR})?"
    rf"|\b(?:{MONTH})\.?,?\s{_YEAR}"
)
DATE = rf"(?:{NUMERIC})(?!\d)|(?:{WRITTEN})"
TIME = r"(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?!\d)(?:\s?[ap]\.?m\b\.?)?"
_PARTS = re.compile(rf"\d+|\b(?:{MONTH})\b|(?<=\d)(?:{MONTH})\b", re.IGNORECASE)
_CLOCK = re.compile(r"(\d+):(\d\d)(?::(\d\d))?[\d.,]*\s?([ap])?", re.IGNORECASE)


def keys_of_date(text: str) -> tuple[str, ...]:
    """Every date that `text` can mean; empty where it is none."""
    parts = [part.lower() for part in _PARTS.findall(text)]
    month = next((MONTHS[part] for part in parts if part in MONTHS), None)
    numbers = [part for part in parts if part.isdigit()]
    year = next((part for part in numbers if len(part) == 4), "")
    rest = [int(part) for part in numbers if len(part) < 4]
    if month is not None:
        return _written(year, month, rest)
    return _numeric(year, rest, year_first=bool(year) and numbers[0] == year)


def _written(year: str, month: int, days: list[int]) -> tuple[str, ...]:
    if not days:
        return (f"{year}-{month:02}",) if year else ()
    return tuple(_keys(year, month, days[0]))


def _numeric(year: str, rest: list[int], *, year_first: bool) -> tuple[str, ...]:
    if not year or len(rest) != 2:
        return ()
    pairs = [tuple(rest)] if year_first else [tuple(rest), tuple(reversed(rest))]
    return tuple(dict.fromkeys(key for month, day in pairs for key in _keys(year, month, day)))


def _keys(year: str, month: int, day: int) -> list[str]:
    try:
        date(int(year or 2024), month, day)
    except ValueError:
        return []
    return [f"{year or '-'}-{month:02}-{day:02}"]


def key_of_time(text: str) -> str:
    """`03:04` or `03:04:05`, of a clock of 24 hours; empty where it is none."""
    match = _CLOCK.match(text)
    if match is None:
        return ""
    hour, minute, second, half = match.groups()
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    return f"{hours:02}:{minute}" + (f":{second}" if second else "")


@lru_cache(maxsize=12)
def beside_month(month: int) -> re.Pattern[str]:
    """Where a month's name begins (in small letters) with a day or a year beside it.

    Each alternative begins with letters of its own: only so is a long text searched quickly.
    """
    stems = dict.fromkeys(name[:3] for name in _NAMES[month - 1].split())
    after = r"(?=\w*[.,]{0,2} (?:de )?[0-9])"
    return re.compile(
        "|".join(
            f"{stem}(?:{after}|(?<=[0-9] {stem})|(?<=[0-9][.tdhr] {stem})|(?<=[fe] {stem}))"
            for stem in stems
        )
    )
