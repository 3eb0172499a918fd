"""The text of an OpenAPI document → plain data. JSON or YAML; no objects, no aliases, no bombs.

YAML is read event by event as YAML 1.2 has it: `no` is a text, a date is a text, a key is a text.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from registry.mcp import parsing
from registry.mcp.errors import BadAnswer
from registry.openapi.errors import NoDocument, UnusableDocument

BYTE_LIMIT = parsing.BYTE_LIMIT
DEPTH_LIMIT = parsing.DEPTH_LIMIT
VALUE_LIMIT = parsing.VALUE_LIMIT

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_BRACKETS = re.compile(rb"[\[\]{}]")


def read(data: bytes) -> Any:
    """The value in the text. Raises `UnusableDocument` with what is wrong."""
    if len(data) > BYTE_LIMIT:
        raise UnusableDocument(f"it is larger than {BYTE_LIMIT:,} bytes")
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return parsing.parse(data)
        except BadAnswer as error:
            as_json = error
        # Flow style is YAML too; what is neither is told as JSON.
        try:
            return _read_yaml(data)
        except UnusableDocument:
            said = as_json.message.replace("The server's answer", "it")
            raise UnusableDocument(said.rstrip(".")) from None
    return _read_yaml(data)


def _read_yaml(data: bytes) -> Any:
    _check_brackets(data)
    try:
        text = data.decode("utf-8-sig")
        return _Builder(iter(yaml.parse(text, Loader=_Loader))).document()
    except UnicodeDecodeError:
        raise NoDocument("it is not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise NoDocument(f"it is neither JSON nor YAML{where}") from None


def _check_brackets(data: bytes) -> None:
    # The scanner takes long over open brackets, before any event tells how deep they are.
    depth = 0
    for bracket in _BRACKETS.finditer(data):
        depth = depth + 1 if bracket[0] in b"[{" else max(depth - 1, 0)
        if depth > 4 * DEPTH_LIMIT:
            raise UnusableDocument(f"more than {4 * DEPTH_LIMIT} brackets are open")


class _Builder:
    """Values from YAML's events, one pass, bounded in depth and number."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._values = 0

    def document(self) -> Any:
        value: Any = None
        for event in self._events:
            if isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
                continue
            if isinstance(event, yaml.DocumentEndEvent):
                break
            if isinstance(event, yaml.StreamEndEvent):
                return None
            value = self._value(event, 1)
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            raise UnusableDocument("it holds several YAML documents")
        return value

    def _value(self, event: Any, depth: int) -> Any:
        self._values += 1
        if self._values > VALUE_LIMIT:
            raise UnusableDocument(f"it has more than {VALUE_LIMIT:,} values")
        if depth > DEPTH_LIMIT:
            raise UnusableDocument(f"it is nested deeper than {DEPTH_LIMIT} levels")
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise UnusableDocument("it uses YAML anchors, which are not read: use $ref")
        if event.tag and not event.tag.startswith("tag:yaml.org,2002:str") and event.tag != "!":
            raise UnusableDocument("it uses YAML tags, which are not read")
        if isinstance(event, yaml.SequenceStartEvent):
            return [self._value(item, depth + 1) for item in self._until(yaml.SequenceEndEvent)]
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        return _scalar(event)

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise UnusableDocument("a key of it is no text")
            key = event.value
            if key in found:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise UnusableDocument(f"the key {ascii(key)[:80]} stands twice (line {line})")
            found[key] = self._value(next(self._events), depth + 1)
        return found

    def _until(self, end: type[Any]) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event


def _scalar(event: Any) -> Any:
    text = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
