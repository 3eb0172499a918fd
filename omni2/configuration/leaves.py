"""One scalar held against its shape: variables filled in, kind and limits checked."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from audit.storable import flaw_of
from omni2.configuration.problems import Problem
from omni2.configuration.reading import Read
from omni2.configuration.shapes import (
    Applied,
    Data,
    Effect,
    Flag,
    Number,
    Shape,
    Stored,
    Text,
    Whole,
    described,
    nearest,
)
from omni2.configuration.substitution import Substituted, keep_references, substitute

_YES = frozenset({"yes", "on", "true"})
_NO = frozenset({"no", "off", "false"})


class Wrong:
    """Stands for a value that was reported and is left out."""


WRONG = Wrong()


def writes(effect: Effect | None) -> bool:
    """Whether a key of this effect is written anywhere, so that its variables must be set."""
    return isinstance(effect, Applied | Stored) or effect is None


def expected(shape: Shape, read: Read) -> str:
    """The sentence for a value of the wrong kind; repeats it only where it can be no secret."""
    return f"expected {described(shape)}, found {_found(shape, read)}"


@dataclass
class Leaves:
    """Reads scalars; what is wrong with them is added to `problems`."""

    environ: Mapping[str, str]
    own_secrets: frozenset[str]
    problems: list[Problem]

    def read(self, read: Read, shape: Shape, effect: Effect | None) -> Any:
        """The plain value, or WRONG after reporting why not."""
        if isinstance(shape, Data):
            return self._data(read, effect)
        if isinstance(read.value, str) and "${" in read.value:
            filled = self._fill(read, effect)
            if filled is None:
                return WRONG if writes(effect) else read.value
            text = self._stored_text(read.value, filled, shape)
            read = replace(read, value=text, text=text, plain=True, filled=True)
        parsed = _PARSERS[type(shape)](read, shape)
        if parsed is None:
            return self.wrong(read, expected(shape, read))
        complaint = _complaint(read, shape, parsed)
        return self.wrong(read, complaint) if complaint else parsed

    def wrong(self, read: Read, message: str) -> Wrong:
        """Report an error at the value."""
        self.problems.append(Problem(read.place, message))
        return WRONG

    def _stored_text(self, text: str, filled: Substituted, shape: Shape) -> str:
        if isinstance(shape, Text) and shape.reference:
            return keep_references(text, self.environ)
        return filled.text

    def _fill(self, read: Read, effect: Effect | None) -> Substituted | None:
        """The text with its variables; None where one cannot be had, an error if it is applied."""
        filled = substitute(read.value, self.environ)
        complaints = [
            f"{name} is a secret of OMNI2 itself and must not be used here"
            for name in sorted(self.own_secrets.intersection(filled.names))
        ]
        complaints += [f"the environment variable {name} is not set" for name in filled.missing]
        if filled.broken:
            complaints.append("holds ${ that is neither ${NAME} nor ${NAME:-default}")
        if complaints and writes(effect):
            for complaint in complaints:
                self.wrong(read, complaint)
        return None if complaints else filled

    def _data(self, read: Read, effect: Effect | None) -> Any:
        """Nested plain data with its variables filled in; one missing makes the whole wrong."""
        if isinstance(read.value, dict):
            self.check_keys(read)
            values: Any = {key: self._data(item, effect) for key, item in read.value.items()}
            return WRONG if WRONG in values.values() else values
        if isinstance(read.value, list):
            values = [self._data(item, effect) for item in read.value]
            return WRONG if WRONG in values else values
        if isinstance(read.value, str) and "${" in read.value:
            filled = self._fill(read, effect)
            return self._kept(read, filled.text) if filled else WRONG
        if isinstance(read.value, float) and not math.isfinite(read.value):
            return self.wrong(read, "is not a number that JSON knows")
        return self._kept(read, read.value)

    def _kept(self, read: Read, value: Any) -> Any:
        flaw = flaw_of(value)
        return self.wrong(read, f"holds {flaw}") if flaw else value

    def check_keys(self, read: Read) -> None:
        """Report the keys of a mapping that no database keeps."""
        for key, item in read.value.items():
            self._kept(item, key)


def _found(shape: Shape, read: Read) -> str:
    value = read.value
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if read.filled:
        return "something else in its variable"
    if isinstance(shape, Flag | Whole | Number) or (isinstance(shape, Text) and shape.choices):
        return ascii(read.text)[:60]
    return {bool: "true or false", str: "text"}.get(type(value), "a number")


def _complaint(read: Read, shape: Shape, value: Any) -> str:
    """What is wrong with a value of the right kind; empty when nothing is."""
    if isinstance(shape, Text):
        return _text_complaint(read, shape, value)
    if isinstance(shape, Whole | Number):
        low = value < shape.least or (
            isinstance(shape, Number) and shape.above and value == shape.least
        )
        if low:
            return expected(shape, read)
        if value > shape.most:
            return f"expected {described(shape)}, at most {shape.most}"
    return ""


def _text_complaint(read: Read, shape: Text, value: str) -> str:
    if shape.choices and value not in shape.choices:
        return f"{expected(shape, read)}; {nearest(value, shape.choices)}"
    if not shape.may_be_empty and not value.strip():
        return "must not be empty"
    if any(ord(character) < 32 and character not in "\n\t" for character in value):
        return "holds a control character"
    if flaw := flaw_of(value):
        return f"holds {flaw}"
    if shape.longest and len(value) > shape.longest:
        return f"is longer than {shape.longest} characters"
    return ""


def _text(read: Read, _shape: Shape) -> str | None:
    taken = isinstance(read.value, str | int | float) and not isinstance(read.value, bool)
    return read.text if taken else None


def _flag(read: Read, _shape: Shape) -> bool | None:
    if isinstance(read.value, str) and read.plain and read.value.lower() in _YES | _NO:
        return read.value.lower() in _YES
    return read.value if isinstance(read.value, bool) else None


def _whole(read: Read, _shape: Shape) -> int | None:
    if isinstance(read.value, int) and not isinstance(read.value, bool):
        return read.value
    return int(read.value) if read.filled and read.value.strip().isdecimal() else None


def _number(read: Read, _shape: Shape) -> int | float | None:
    value = read.value
    if read.filled:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


_PARSERS: dict[type[Shape], Callable[[Read, Shape], Any]] = {
    Text: _text,
    Flag: _flag,
    Whole: _whole,
    Number: _number,
}
