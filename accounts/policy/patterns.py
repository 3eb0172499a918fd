"""Patterns for names: `*` and `?` only, case-sensitive, always over the whole name.

A pattern is cut at its stars once. Matching looks for each piece from left to right and never goes
back, so no pattern can make it slow, and nothing of a regular expression has a meaning.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MAXIMUM_LENGTH = 512
MAXIMUM_GRANTED = 100
# What an author would take for a class, a choice or a list. Nothing of it would do what they mean.
_REFUSED = frozenset("[{|")
_MEMO_FROM = 8
_MEMO_SIZE = 20_000


class PatternError(ValueError):
    """A pattern that cannot be used; the message says why, in words for its author."""


class Glob:
    """One text with `*` (any run of characters, also none) and `?` (exactly one)."""

    __slots__ = ("_pieces", "beginning", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._pieces = tuple(text.split("*"))
        # Most patterns are `beginning*`, which is quickly said; None for the others.
        plain = len(self._pieces) == 2 and not self._pieces[1] and "?" not in text
        self.beginning = self._pieces[0] if plain else None

    @property
    def exact(self) -> bool:
        """Whether the text stands for itself alone."""
        return len(self._pieces) == 1 and "?" not in self.text

    def matches(self, name: str) -> bool:
        """Whether the whole of `name` fits."""
        if self.beginning is not None:
            return name.startswith(self.beginning)
        head, *middle = self._pieces
        if not middle:
            return len(name) == len(head) and _fits(head, name, at=0)
        tail = middle.pop()
        end = len(name) - len(tail)
        if end < len(head) or not _fits(head, name, at=0) or not _fits(tail, name, at=end):
            return False
        at = len(head)
        for piece in middle:
            found = _find(piece, name, start=at, end=end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


def _fits(piece: str, name: str, *, at: int) -> bool:
    if "?" not in piece:
        return name.startswith(piece, at)
    part = name[at : at + len(piece)]
    if len(part) < len(piece):
        return False
    return all(wanted in ("?", given) for wanted, given in zip(piece, part, strict=True))


def _find(piece: str, name: str, *, start: int, end: int) -> int:
    if "?" not in piece:
        return name.find(piece, start, end)
    # All places at once: bit n says that the piece fits up to its character n, ending here.
    anything = sum(1 << place for place, wanted in enumerate(piece) if wanted == "?")
    fitting = {
        given: anything | sum(1 << place for place, wanted in enumerate(piece) if wanted == given)
        for given in set(piece)
    }
    state, whole = 0, 1 << (len(piece) - 1)
    for at in range(start, end):
        state = (state << 1 | 1) & fitting.get(name[at], anything)
        if state & whole:
            return at - len(piece) + 1
    return -1


def check_text(text: object) -> str:
    """The text of one pattern without a server half, or a PatternError that says what is wrong."""
    if not isinstance(text, str) or not text:
        raise PatternError("a pattern is a text that is not empty")
    if len(text) > MAXIMUM_LENGTH:
        raise PatternError(f"a pattern has at most {MAXIMUM_LENGTH} characters")
    for character in text:
        if character in _REFUSED:
            raise PatternError(f"{text!r}: {character!r} has no meaning here, only * and ? do")
        if character.isspace() or unicodedata.category(character).startswith("C"):
            raise PatternError(f"{text!r}: spaces and invisible characters are not allowed")
    return text


def check_pattern(text: object) -> None:
    """Raise PatternError unless `text` is a usable `tool`, `server/tool` or `@group`."""
    if "" in check_text(text).removeprefix("@").split("/", 1):
        raise PatternError(f"{text!r}: there is nothing on one side")


def check_granted(patterns: object) -> tuple[str, ...]:
    """The tools of a grant as they are stored, or a PatternError that says what is wrong."""
    if not isinstance(patterns, (list, tuple)) or not patterns:
        raise PatternError('a list of patterns is expected, for example ["get_*"] or ["*"]')
    if len(patterns) > MAXIMUM_GRANTED:
        raise PatternError(f"there may be at most {MAXIMUM_GRANTED} patterns")
    for pattern in patterns:
        check_pattern(pattern)
    return tuple(patterns)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern, ready to match. `text` is what its author wrote."""

    text: str
    server: Glob | None
    tool: Glob

    @classmethod
    def read(cls, text: str, *, shown: str = "") -> "Pattern":
        """Compile `tool` or `server/tool`; the first slash divides."""
        check_pattern(text)
        if text.startswith("@"):
            raise PatternError(f"{text!r}: a group cannot stand here")
        server, slash, tool = text.partition("/")
        if not slash:
            return cls(shown or text, None, Glob(text))
        return cls(shown or text, Glob(server), Glob(tool))

    def matches(self, server: str, tool: str) -> bool:
        return self.tool.matches(tool) and (self.server is None or self.server.matches(server))


def matches(pattern: str, server: str, tool: str) -> bool:
    """Whether one pattern (no group) fits this tool of this server."""
    return Pattern.read(pattern).matches(server, tool)


class Patterns:
    """Several patterns, asked as one: exact names by look-up, the rest one by one."""

    __slots__ = ("_anywhere", "_beginnings", "_memo", "_qualified", "_wild", "texts")

    def __init__(self, texts: Iterable[str], groups: Mapping[str, tuple[str, ...]]) -> None:
        self.texts = tuple(texts)
        self._anywhere: dict[str, str] = {}
        self._qualified: dict[tuple[str, str], str] = {}
        wild: list[Pattern] = []
        for pattern in _expanded(self.texts, groups):
            if not pattern.tool.exact or not (pattern.server is None or pattern.server.exact):
                wild.append(pattern)
            elif pattern.server is None:
                self._anywhere.setdefault(pattern.tool.text, pattern.text)
            else:
                self._qualified.setdefault((pattern.server.text, pattern.tool.text), pattern.text)
        self._wild = tuple(wild)
        self._beginnings = _beginnings(wild)
        self._memo: dict[tuple[str, str], str] = {}

    def __str__(self) -> str:
        return ", ".join(self.texts) or "nothing"

    def first(self, server: str, tool: str) -> str | None:
        """The pattern that fits, as its author wrote it; None when none does."""
        found = self._anywhere.get(tool) or self._qualified.get((server, tool))
        if found or not self._wild:
            return found
        if self._beginnings is not None and not tool.startswith(self._beginnings):
            return None
        if len(self._wild) < _MEMO_FROM:
            return self._search(server, tool)
        place = (server, tool)
        known = self._memo.get(place)
        if known is not None:
            return known or None
        if len(self._memo) >= _MEMO_SIZE:
            self._memo.clear()
        found = self._search(server, tool)
        self._memo[place] = found or ""
        return found

    def _search(self, server: str, tool: str) -> str | None:
        for one in self._wild:
            if one.matches(server, tool):
                return one.text
        return None


def _expanded(texts: Iterable[str], groups: Mapping[str, tuple[str, ...]]) -> Iterable[Pattern]:
    for text in texts:
        check_pattern(text)
        if not text.startswith("@"):
            yield Pattern.read(text)
            continue
        if text[1:] not in groups:
            raise PatternError(f"{text!r}: there is no group of that name")
        for member in groups[text[1:]]:
            yield Pattern.read(member, shown=f"{text} ({member})")


def _beginnings(wild: Iterable[Pattern]) -> tuple[str, ...] | None:
    """With one of which every name begins that any of the patterns fits; None when others do."""
    found = tuple(one.tool.beginning for one in wild)
    return found if None not in found else None  # type: ignore[return-value]
