"""Values without a form of their own: what a question names, and what it is about."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.llm.findings import Finding
from gateway.words import STOP_WORDS, words

_PLACES = {"city", "location", "place", "address", "region", "country", "town"}
_BEFORE_PLACES = ("in", "at", "near", "for", "of")
_BEFORE_THINGS = ("about", "of", "for", "on", "in", "named")
# Where a phrase ends: punctuation, or a word that begins the next one.
_ENDS = re.compile(
    r"[?!;,:\n]|\.(?:\s|$)|\s(?:in|on|at|of|for|from|to|with|by|and then|using|via|near|please"
    r"|right now|now|today|tomorrow|yesterday|tonight)\b",
    re.IGNORECASE,
)
_CAPITAL = r"[A-Z][\w'-]*"
_PROPER = re.compile(
    rf"(?<![.?!]\s)(?<!^)\b{_CAPITAL}(?:\s+(?:of|the|de|von|van)\s+{_CAPITAL}|\s+{_CAPITAL})*"
)
_WORD = re.compile(r"\w(?:[\w./-]*\w)?")
_STATED = re.compile(r"\buse\s+['\"`]([^'\"`]+)['\"`]\s+(?:as|if)\b.*\bif no\b", re.IGNORECASE)
_IDENTIFIERS = {"id", "ids", "key", "token", "uuid", "slug"}
_WORDY = {"name", "number", "title"} | _IDENTIFIERS
# Words for kinds of things: by themselves they name nothing.
_KINDS = """
account app application branch cluster code collection company container customer data database
day default directory document file folder group here history hour issue item job list log
message minute month moment namespace office one order organization page people person place
project record repo repository result row schema server service site system table task team
ticket time today tree user value web week working workspace world year
"""
_GENERIC = frozenset(_KINDS.split())
_LONGEST = 200


def named(name: str, question: str, findings: Sequence[Finding]) -> str | None:
    """The value that the question puts beside the argument's own name, as in `namespace prod`.

    An unquoted word counts only when it looks like an identifier, or when its phrase ends after it.
    """
    parts = [part for part in words(name) if part not in _WORDY] or words(name)
    label = r"[\s_-]+".join(re.escape(part) for part in parts)
    beside = rf"\b{label}s?(?:\s+(?:is|named|called|name|id|number|key)|\s*[:=])*\s+"
    for match in re.finditer(beside, question, re.IGNORECASE):
        for finding in findings:
            if finding.start == match.end():
                return finding.value
        word = _WORD.match(question, match.end())
        if word and _is_value(word.group(), question[word.end() :], only_identifiers=_is_id(name)):
            return word.group()
    return None


def _is_id(name: str) -> bool:
    return bool(_IDENTIFIERS & set(words(name)))


def _is_value(word: str, rest: str, *, only_identifiers: bool) -> bool:
    if word.lower() in STOP_WORDS:
        return False
    if _looks_like_one(word):
        return True
    return not only_identifiers and (not rest.strip(" ?.!") or bool(_ENDS.match(rest)))


def _looks_like_one(word: str) -> bool:
    return bool(re.search(r"[\d_./-]|[a-z][A-Z]", word))


def about(name: str, question: str) -> str | None:
    """What the question is about, as a phrase: after `in`, `of`, `about` ..., else a proper name.

    An identifier is never taken from a phrase.
    """
    if _is_id(name):
        return None
    place = bool(_PLACES & set(words(name)))
    for start in _BEFORE_PLACES if place else _BEFORE_THINGS:
        for match in re.finditer(rf"\b{start}\s+", question, re.IGNORECASE):
            if phrase := _phrase(question[match.end() :]):
                return _last_identifier(phrase) if "name" in words(name) else phrase
    proper = _PROPER.findall(question)
    return max(proper, key=len) if proper else None


def _phrase(rest: str) -> str:
    end = _ENDS.search(rest)
    phrase = (rest[: end.start()] if end else rest).strip(" .\"'")
    phrase = re.sub(r"^(?:the|a|an|my|our|your)\s+", "", phrase, flags=re.IGNORECASE)
    meaningful = [word for word in words(phrase) if not _says_nothing(word)]
    return phrase if meaningful and len(phrase) <= _LONGEST else ""


def _says_nothing(word: str) -> bool:
    return word in STOP_WORDS or word in _GENERIC or word.removesuffix("s") in _GENERIC


def _last_identifier(phrase: str) -> str:
    """`pod api-7d9` names api-7d9; `Ada Lovelace` is all of it."""
    identifiers = [word for word in phrase.split() if _looks_like_one(word)]
    return identifiers[-1] if identifiers else phrase


def stated_default(schema: Mapping[str, Any]) -> str | None:
    """The value a description states for want of one: "Use 'UTC' as ... if no ... provided"."""
    found = _STATED.search(str(schema.get("description", "")))
    return found.group(1) if found else None
