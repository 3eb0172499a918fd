"""Strict JSON from servers that are not to be trusted.

Refused: more than the byte cap, more than 64 levels, NaN and infinities, numbers beyond what JSON
readers share, the same key twice, anything that is not UTF-8. A lone surrogate becomes U+FFFD, for
neither PostgreSQL nor Slack can hold one.
"""

import json
import math
import re
from typing import Any

from registry.mcp.errors import BadAnswer, TooLarge, shorten

BYTE_LIMIT = 4 * 1024 * 1024
DEPTH_LIMIT = 64
EXCERPT_LIMIT = 200

_SURROGATE = re.compile("[\ud800-\udfff]")
_TAG = re.compile(r"<[^>]*>")


class _NotJson(ValueError):
    """The text breaks one of our own rules."""


def parse(data: bytes, *, limit: int = BYTE_LIMIT) -> Any:
    """The value in `data`. Raises TooLarge over the byte cap, BadAnswer for everything else."""
    check_size(len(data), limit)
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
        )
        return _checked(value, 0)
    except RecursionError:
        raise BadAnswer("The server's answer is nested too deeply.") from None
    except ValueError as error:
        reason = str(error) if isinstance(error, _NotJson) else "not JSON"
        raise BadAnswer(f"The server's answer is not valid: {reason}.") from None


def check_size(size: int, limit: int = BYTE_LIMIT) -> None:
    """Raise TooLarge where `size` bytes are more than allowed."""
    if size > limit:
        raise TooLarge(f"The server's answer is larger than {limit:,} bytes.")


def excerpt(data: bytes) -> str:
    """At most 200 characters of a foreign body, without tags, for a message."""
    text = _TAG.sub(" ", data[: 10 * EXCERPT_LIMIT].decode("utf-8", "replace"))
    printable = "".join(c if c.isprintable() else " " for c in text)
    return shorten(" ".join(printable.split()), EXCERPT_LIMIT)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotJson("a key stands twice in one object")
    return found


def _constant(name: str) -> float:
    raise _NotJson(f"{name} is no JSON number")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotJson("a number is out of range")
    return number


def _checked(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if not isinstance(value, dict | list):
        return value
    if depth >= DEPTH_LIMIT:
        raise _NotJson(f"it is nested deeper than {DEPTH_LIMIT} levels")
    if isinstance(value, list):
        return [_checked(item, depth + 1) for item in value]
    return {_SURROGATE.sub("\ufffd", key): _checked(item, depth + 1) for key, item in value.items()}
