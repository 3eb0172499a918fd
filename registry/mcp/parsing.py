"""Strict JSON-RPC from servers that are not to be trusted.

Refused before parsing: more than the byte cap, more than 64 levels, more than 250,000 values (as
objects, 4 MiB of small ones take 200 MB). Refused while parsing: NaN and infinities, numbers beyond
what JSON readers share, the same key twice, anything that is not UTF-8. A lone surrogate becomes
U+FFFD, for neither PostgreSQL nor Slack can hold one.
"""

import json
import math
import re
from itertools import accumulate
from typing import Any

import anyio.to_thread
import mcp_types as types

from registry.mcp.errors import BadAnswer, TooLarge, shorten

BYTE_LIMIT = 4 * 1024 * 1024
DEPTH_LIMIT = 64
VALUE_LIMIT = 250_000
# What is larger is parsed in a thread of its own, so that other servers' answers do not wait.
ASIDE_BYTES = 128 * 1024
EXCERPT_LIMIT = 200
# The one notification that the SDK is given: it knows the request by its token.
PROGRESS = "notifications/progress"

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRING = re.compile(_TEXT, re.DOTALL)
# So much is looked at without giving way to other threads: whole texts, little between them.
_PIECE = re.compile(rb'(?:[^"]{1,256}+|' + _TEXT + rb"){1,256}+", re.DOTALL)
_NOT_STRUCTURE = bytes(sorted(set(range(256)) - set(b"[]{},")))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1, ord(","): 0}
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TAG = re.compile(r"<[^>]*>")


class _NotJson(ValueError):
    """The text breaks one of our own rules."""


def parse(data: bytes) -> Any:
    """The value in `data`. Raises TooLarge over the caps, BadAnswer for everything else."""
    check_size(len(data))
    _check_structure(data)
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
        )
    except ValueError as error:
        reason = str(error) if isinstance(error, _NotJson) else "not JSON"
        raise BadAnswer(f"The server's answer is not valid: {reason}.") from None
    return _mended(value) if _ESCAPED_SURROGATE.search(data) else value


async def parse_aside(data: bytes) -> Any:
    """As `parse`, without holding up the event loop where there is much to parse."""
    if len(data) <= ASIDE_BYTES:
        return parse(data)
    return await anyio.to_thread.run_sync(parse, data, abandon_on_cancel=True)


def message(value: Any) -> types.JSONRPCMessage | None:
    """The JSON-RPC message that this value is, or None for a notification that says no progress.

    Raises BadAnswer where it is no message.
    """
    try:
        found: types.JSONRPCMessage = types.jsonrpc_message_adapter.validate_python(
            value, by_name=False
        )
    except ValueError:
        raise BadAnswer("The server's answer is no JSON-RPC message.") from None
    if isinstance(found, types.JSONRPCNotification) and found.method != PROGRESS:
        return None
    return found


def check_size(size: int, limit: int = BYTE_LIMIT) -> None:
    """Raise TooLarge where `size` bytes are more than allowed."""
    if size > limit:
        raise TooLarge(f"The server's answer is larger than {limit:,} bytes.")


def excerpt(data: bytes) -> str:
    """At most 200 characters of a foreign body, without tags, for a message."""
    text = _TAG.sub(" ", data[: 10 * EXCERPT_LIMIT].decode("utf-8", "replace"))
    printable = "".join(c if c.isprintable() else " " for c in text)
    return shorten(" ".join(printable.split()), EXCERPT_LIMIT)


def _check_structure(data: bytes) -> None:
    """Raise where there are too many values or levels, or a text that does not end.

    Takes time in proportion to the length, whatever the bytes are.
    """
    strings = (data.count(b'"') - data.count(b'\\"')) // 2
    _check_values(strings)
    position = depth = values = 0
    while position < len(data):
        piece = _PIECE.match(data, position)
        if piece is None:
            raise BadAnswer("The server's answer is not valid: not JSON.")
        position = piece.end()
        structure = _STRING.sub(b"", piece.group()).translate(None, _NOT_STRUCTURE)
        ends = structure.count(b"]") + structure.count(b"}")
        values += len(structure) - ends
        _check_values(values)
        depth = _depth_after(structure, depth)


def _depth_after(structure: bytes, depth: int) -> int:
    """The level at the end of this piece. Raises BadAnswer where it goes too deep."""
    levels = list(accumulate(map(_STEP.__getitem__, structure), initial=depth))
    if max(levels) > DEPTH_LIMIT:
        raise BadAnswer(f"The server's answer is nested deeper than {DEPTH_LIMIT} levels.")
    return levels[-1]


def _check_values(number: int) -> None:
    if number > VALUE_LIMIT:
        raise TooLarge(f"The server's answer has more than {VALUE_LIMIT:,} values.")


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


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value
