"""What an answer claims in so many digits: figures, dates, times and identifiers.

Ordinals, numbers of list items, steps and footnotes are no claims, and neither is program text in a
fenced block. A block of data is read like the rest.
"""

import re
from collections.abc import Iterator

from gateway.citations import figures, moments
from gateway.citations.model import Claim, Kind

MOST_CLAIMS = 400
MOST_READ = 200_000
# A "figure" longer than this is no figure, and a token longer than this no name.
MOST_CHARACTERS = 300

_DATA = {"", "csv", "json", "jsonl", "log", "output", "table", "text", "tsv", "txt", "xml", "yaml"}
_FENCE = re.compile(r"^[ \t>]*(```+|~~~+)[ \t]*(\w*)[^\n]*\n(?:.*?\n)??[ \t>]*\1", re.M | re.S)
_LABELS = (
    "step|option|part|section|chapter|table|figure|item|note|point|phase|question|example|page|"
    "schritt|punkt|teil|seite|abschnitt|no\\.|nr\\."
)
_ENDS = (
    "com|org|net|io|dev|app|ai|co|eu|de|uk|fr|ch|at|gov|edu|info|cloud|example|test|invalid|local|"
    "internal|lan|corp|intra|svc|cluster|home|arpa"
)
_APPROXIMATELY = re.compile(
    r"(?:about|around|approximately|approx\.?|roughly|nearly|almost|over|under|below|above|some|"
    r"more than|less than|fewer than|at least|up to|circa|ca\.?|c\.|etwa|rund|ungefähr|knapp|fast|"
    r"über|gut|environ|près de|plus de|moins de|casi|unos|circa|quasi|[~≈>≥<≤±])\s*[$€£¥₹*_`]*\s*$",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(r"(?:^|[(\s|:=])[-\u2212][$€£¥₹]?$")

# Every alternative begins where a word begins, and every repetition has an end: a long answer takes
# time in proportion to its length, whatever stands in it.
_PATTERN = re.compile(
    rf"""
    (?P<url>https?://[^\s<>"'`)\]]{{1,2000}})
  | (?P<email>(?<![\w.+-])[\w.+-]{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}})
  | (?P<uuid>\b[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\b)
  | (?P<skip>
        ^[ \t>]{{0,40}}(?:[-*+][ \t]{{1,8}})?[(]?\d{{1,3}}[.)](?=\s(?!(?:{moments.MONTH})\b))
      | \b(?:{_LABELS})[ ]?[#]?\d{{1,3}}\b(?![.,:]\d)
      | \[\d{{1,3}}\] | [&][#]?\w{{1,32}}; | \b(?:Q[1-4]|H[12])\b
    )
  | (?P<date>(?<![\w.,/-])(?:{moments.DATE}))
  | (?P<time>(?<![^\Wt])(?<![.,:])(?:{moments.TIME})(?:z\b|[+-]\d\d:\d\d\b)?)
  | (?P<ordinal>\b\d{{1,3}}(?:st|nd|rd|th)\b)
  | (?P<ip>\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:[:/]\d{{1,5}})?\b(?![.]\d))
  | (?P<host>(?<![\w.-])(?:[a-z0-9][a-z0-9-]{{0,62}}\.){{1,8}}(?:{_ENDS})\b(?::\d{{1,5}})?(?![\w-]))
  | (?P<version>\bv\d{{1,9}}(?:\.\d{{1,9}}){{0,6}}(?:-[a-z][\w.]{{0,30}})?\b
      | (?<![\w.,])(?!\d{{1,3}}(?:\.\d{{3}}){{1,9}}(?![\d.]))
        \d{{1,9}}(?:\.\d{{1,9}}){{2,6}}(?:-[a-z][\w.]{{0,30}})?\b)
  | (?P<code>(?<![\w-])(?=[\w/#.:-]{{0,99}}\d)
        [a-z_]\w{{0,99}}(?:[-/#:]\w{{1,99}}){{0,9}}(?:\.\w{{0,30}}\d\w{{0,30}}){{0,9}}(?!\w)
      | \b(?=[0-9a-f]{{0,99}}\d[a-f]{{1,99}}\d)[0-9a-f]{{6,128}}\b
      | (?<![\w-])\d{{1,30}}[a-z]{{1,30}}[\w-]{{0,60}}\d\w{{0,30}}\b
      | (?<![\w-])\d{{1,30}}(?:-[a-z]{{0,20}}\d{{1,30}}[a-z]{{0,20}}){{2,9}}\b)
  | (?P<number>(?<![^\W_])
        (?P<digits>\d{{1,3}}(?:[ \u00a0\u202f]\d{{3}}){{1,9}}(?:[.,]\d+)?(?![\d])
          | \d+(?:[.,'\u2019]\d+)*)
        (?:(?:[*_`]{{0,3}}[ \u00a0\u202f-]?)(?P<scale>{figures.SCALE}))?
    )
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_IDENTIFIERS = ("url", "email", "uuid", "ip", "host", "version", "code")
_ENDING = ".,;:!?*_"


def find(answer: str) -> tuple[tuple[Claim, ...], bool]:
    """The claims of an answer in their order, and whether those are all."""
    claims: list[Claim] = []
    for claim in _claims(answer):
        if len(claims) == MOST_CLAIMS:
            return tuple(claims), False
        claims.append(claim)
    return tuple(claims), len(answer) <= MOST_READ


def _claims(answer: str) -> Iterator[Claim]:
    for match in _PATTERN.finditer(_without_programs(answer[:MOST_READ])):
        name = match.lastgroup
        if name in ("skip", "ordinal") or len(match[0]) > MOST_CHARACTERS:
            continue
        if name in _IDENTIFIERS:
            text = match[0].rstrip(_ENDING)
            if not text:
                continue
            keys = (text, text[1:]) if name == "version" and text[0] in "vV" else (text,)
            yield Claim(Kind.IDENTIFIER, text, match.start(), keys=keys)
        elif name == "date":
            yield from _date(match)
        elif name == "time":
            key = moments.key_of_time(match[0])
            yield Claim(Kind.TIME, match[0].rstrip("."), match.start(), keys=(key,))
        else:
            yield from _numbers(answer, match)


def _without_programs(answer: str) -> str:
    """The answer with fenced program text blanked out, every position as it was."""

    def blank(match: re.Match[str]) -> str:
        if match[2].lower() in _DATA:
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])

    return _FENCE.sub(blank, answer) if "```" in answer or "~~~" in answer else answer


def _date(match: re.Match[str]) -> Iterator[Claim]:
    keys = moments.keys_of_date(match[0])
    if keys:
        yield Claim(Kind.DATE, match[0].rstrip(".,"), match.start(), keys=keys)


def _numbers(answer: str, match: re.Match[str]) -> Iterator[Claim]:
    """The figure, or the figures of a list that only looks like one: "1,2,3"."""
    start, digits = match.start(), match["digits"]
    before = answer[max(0, start - 24) : start]
    about = _APPROXIMATELY.search(before) is not None
    readings = figures.readings(digits, match["scale"] or "", about=about)
    if readings:
        yield Claim(Kind.NUMBER, match[0], start, readings=readings, negative=_is_negative(before))
        return
    for part in re.finditer(r"\d+", digits):
        single = figures.readings(part[0], "", about=False)
        if single:
            yield Claim(Kind.NUMBER, part[0], start + part.start(), readings=single)


def _is_negative(before: str) -> bool:
    """Whether a minus stands right before it that is no dash and no range."""
    return _NEGATIVE.search(before) is not None
