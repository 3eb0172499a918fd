"""What every database keeps as it is, and what becomes of the rest.

A NUL, which PostgreSQL refuses; half a character, which UTF-8 does; a number that is none. Pure.
"""

import math
import re
from typing import Any, overload

REPLACEMENT = "\ufffd"
# A noncharacter, which Unicode leaves to programs: it stands for something lost that nobody may
# guess at. Whatever holds one is not storable either, so that it is never taken for the real thing.
LOST = "\ufdd0"

_NOT_KEPT = re.compile("[\0\ud800-\udfff\ufdd0]")


@overload
def storable(value: str, *, instead: str = ...) -> str: ...
@overload
def storable(value: Any, *, instead: str = ...) -> Any: ...
def storable(value: Any, *, instead: str = REPLACEMENT) -> Any:
    """The same JSON value with `instead` in the place of everything that cannot be kept."""
    if isinstance(value, str):
        return _NOT_KEPT.sub(instead, value)
    if isinstance(value, float) and not math.isfinite(value):
        return instead
    if isinstance(value, list):
        return [storable(item, instead=instead) for item in value]
    if isinstance(value, dict):
        pairs = ((storable(key, instead=instead), item) for key, item in value.items())
        return {key: storable(item, instead=instead) for key, item in pairs}
    return value


def flaw_of(value: Any) -> str:
    """What of a JSON value cannot be kept, in words that follow "it holds"; "" where all can be."""
    if isinstance(value, str):
        found = _NOT_KEPT.search(value)
        return _named(found[0]) if found else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "NaN or a number beyond all limits"
    if isinstance(value, dict):
        value = [*value, *value.values()]
    for item in value if isinstance(value, list) else ():
        if flaw := flaw_of(item):
            return flaw
    return ""


def _named(character: str) -> str:
    if character in ("\0", LOST):
        return "a NUL" if character == "\0" else "U+FDD0, which stands for what was lost"
    return f"half a character (\\u{ord(character):04x})"


def is_storable(value: Any) -> bool:
    """Whether a JSON value can be kept just as it is."""
    return not flaw_of(value)
