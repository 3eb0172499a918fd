"""JSON read strictly: what is checked later is then the very object that was sent."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_DIGITS = 300


class Malformed(ValueError):
    """The text is not JSON as we take it; the message says what is wrong with it."""


def strict_loads(data: bytes) -> Any:
    """Parse UTF-8 JSON; duplicate keys, NaN and nesting deeper than 64 raise `Malformed`.

    So do numbers too large for a float or longer than 300 digits, and halves of characters: no
    reader after us would take them for the same.
    """
    if len(data) > MAX_BYTES:
        raise Malformed("The body is larger than 1 MiB.")
    try:
        text = data.decode("utf-8")
        _check_depth(text)
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError:
        raise Malformed("A text holds half a character.") from None
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Malformed(
            f"Not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None


def _check_depth(text: str) -> None:
    """Count brackets outside strings before the parser, whose recursion would cost memory first."""
    depth, in_string, escaped = 0, False, False
    for character in text if text.count("[") + text.count("{") > MAX_DEPTH else "":
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Malformed(f"Nested deeper than {MAX_DEPTH} levels.")
        elif character in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Malformed(f'The key "{key[:100]}" stands twice in one object.')
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise Malformed(f"{name} is not JSON.")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise Malformed(f"A number has more than {MAX_DIGITS} digits.")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Malformed(f"The number {digits[:40]} is too large.")
    return number


class StrictJSONParser(BaseParser):
    """The parser of every API view."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            value = strict_loads(stream.read(MAX_BYTES + 1))
        except Malformed as error:
            raise ParseError(str(error)) from None
        if not isinstance(value, dict):
            raise ParseError("The body must be a JSON object.")
        return value
