"""Secrets are taken out of whatever is kept, by value and by shape, in linear time.

By value: whoever reads a credential calls `remember`, and from then on it is found in every text,
also base64-, URL-, JSON- or HTML-encoded. By shape: see `audit.shapes`.

The result is fit to be stored as well: text without NUL and lone surrogates, numbers that every
database gives back as they were, bounded in depth and size.
"""

import base64
import html
import json
import math
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote, quote_plus

from audit.shapes import REDACTED, names_secret, redact_shapes
from audit.storable import storable

__all__ = ["REDACTED", "forget", "redact", "redact_known", "redact_text", "remember"]

SHORTEST = 6
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_TEXT = 4_000_000
MAX_BITS = 512
TOO_DEEP, TOO_MUCH = "[too deep]", "[too much]"

# Values of these very types hold no text.
_WITHOUT_TEXT = frozenset({int, float, bool, type(None)})
_SCHEMA_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})

_lock = threading.Lock()
_secrets: frozenset[str] = frozenset()
# All spellings of all secrets, the longest first, and their beginnings; both are replaced whole, so
# that readers need no lock.
_forms: tuple[str, ...] = ()
_heads: frozenset[str] = frozenset()
# Short texts in which there was nothing to take out, by the secrets that were known then: names and
# reasons come again with every entry.
_clean: dict[str, None] = {}
CLEAN_TEXTS, CLEAN_CHARACTERS = 4096, 200


def remember(secret: str) -> None:
    """From now on this value is taken out of everything; shorter than six characters is ignored."""
    if len(secret) < SHORTEST or secret in _secrets:
        return
    with _lock:
        _settle(_secrets | {secret})


def forget(secret: str) -> None:
    """The value is no secret any more, for example because it was replaced long ago."""
    with _lock:
        _settle(_secrets - {secret})


def _settle(secrets: frozenset[str]) -> None:
    global _secrets, _forms, _heads, _clean
    spellings = {form for secret in secrets for form in _spellings(secret)}
    _forms = tuple(sorted(spellings, key=lambda form: (-len(form), form)))
    _heads = frozenset(form[:SHORTEST] for form in _forms)
    # After the forms: whoever still judges by the old ones writes into the old dictionary.
    _clean = {}
    _secrets = secrets


def _spellings(secret: str) -> Iterator[str]:
    """The secret as it may turn up: plain, in JSON, HTML, a URL, a header or as bytes."""
    plain = _plain(secret)
    octets = secret.encode(errors="replace")
    yield from (plain, json.dumps(secret)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1])
    yield from (repr(plain)[1:-1], html.escape(plain))
    for quoted in (quote(octets, safe=""), quote(octets), quote_plus(octets)):
        yield from (quoted, re.sub("%..", lambda match: match.group().lower(), quoted))
    yield from (octets.hex(), octets.hex().upper())
    yield from _base64_spellings(octets)


def _base64_spellings(octets: bytes) -> Iterator[str]:
    """Those base64 characters that depend on the secret alone, wherever it begins in the input."""
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + octets).decode().rstrip("=")
        last_is_shared = (offset + len(octets)) % 3 != 0
        inner = whole[(0, 2, 3)[offset] : len(whole) - last_is_shared]
        if len(inner) >= SHORTEST:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def redact_text(text: str) -> str:
    """The text without secrets, NUL and lone surrogates, at most four million characters of it."""
    clean = _clean
    if text in clean:
        return text
    safe = redact_shapes(_without_forms(_plain(text[:MAX_TEXT])))
    if safe == text and len(text) <= CLEAN_CHARACTERS:
        if len(clean) >= CLEAN_TEXTS:
            clean.clear()
        clean[text] = None
    return safe


def redact_known(value: Any) -> Any:
    """The same JSON value without the remembered secrets, and otherwise as it was.

    For what is passed on and not kept: what only looks like a secret stays.
    """
    if isinstance(value, str):
        return _without_forms(value)
    if isinstance(value, list):
        # Of lists with many thousand numbers, most of the time is that of calls.
        return [item if type(item) in _WITHOUT_TEXT else redact_known(item) for item in value]
    if isinstance(value, dict):
        return {_without_forms(key): redact_known(item) for key, item in value.items()}
    return value


def _without_forms(text: str) -> str:
    if _may_hold_form(text):
        for form in _forms:
            if form in text:
                text = text.replace(form, REDACTED)
    return text


def _may_hold_form(text: str) -> bool:
    """A quick no for short texts, where looking for each spelling would take longer."""
    if len(text) >= len(_forms):
        return True
    pieces = [text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)]
    return not _heads.isdisjoint(pieces)


def _plain(text: str) -> str:
    """The text as it is kept, without NUL: one that stands in a secret must not hide it."""
    text = text.replace("\0", "")
    return text if text.isascii() else storable(text)


def redact(value: object) -> object:
    """The same structure without secrets, as plain JSON values; what lies too deep is left out."""
    return _Walk().visit(value, depth=0, secret=False)


@dataclass
class _Walk:
    """One pass over a value; counts what it has seen."""

    nodes: int = 0

    def visit(self, value: object, *, depth: int, secret: bool) -> object:
        """The safe form of a value; `secret` says that its key announced one."""
        self.nodes += 1
        if depth > MAX_DEPTH:
            return TOO_DEEP
        if self.nodes > MAX_NODES:
            return TOO_MUCH
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Mapping):
            return self._mapping(value, depth=depth, secret=secret and not _is_schema(value))
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._items(list(value), depth=depth, secret=secret)
        return REDACTED if secret and value != "" else _scalar(value)

    def _items(self, items: list[object], *, depth: int, secret: bool) -> list[object]:
        safe = []
        for item in items:
            safe.append(self.visit(item, depth=depth + 1, secret=secret))
            if self.nodes > MAX_NODES:
                break
        return safe

    def _mapping(
        self, mapping: Mapping[object, object], *, depth: int, secret: bool
    ) -> dict[str, object]:
        named = mapping.get("name") or mapping.get("key")
        value_is_secret = isinstance(named, str) and names_secret(named)
        safe: dict[str, object] = {}
        for key, item in mapping.items():
            name = str(key)
            hidden = secret or names_secret(name) or (value_is_secret and name.lower() == "value")
            safe[_free(redact_text(name), safe)] = self.visit(item, depth=depth + 1, secret=hidden)
            if self.nodes > MAX_NODES:
                break
        return safe


def _free(name: str, taken: Mapping[str, object]) -> str:
    """The name, or with a number behind it when redaction has made two keys equal."""
    if name not in taken:
        return name
    number = len(taken)
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"


def _is_schema(mapping: Mapping[object, object]) -> bool:
    """A JSON Schema under the name of a property (`password: {type: string}`) is no secret."""
    kind = mapping.get("type")
    return isinstance(kind, str) and kind in _SCHEMA_TYPES


def _scalar(value: object) -> object:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, (int, float)):
        number = _number(value)
        return redact_text(number) if isinstance(number, str) else _known_number(number)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return redact_text(bytes(value[:MAX_TEXT]).decode(errors="replace"))
    return redact_text(str(value))


def _number(value: int | float) -> int | float | str:
    """A number that JSON, SQLite and PostgreSQL agree on: whole ones as integers, no infinity."""
    if isinstance(value, float) and not value.is_integer():
        return float(value) if math.isfinite(value) else str(value)
    whole = int(Decimal(repr(value))) if isinstance(value, float) else int(value)
    return whole if whole.bit_length() <= MAX_BITS else f"[{whole.bit_length()} bit number]"


def _known_number(number: int | float) -> int | float | str:
    return REDACTED if _secrets and str(number) in _secrets else number
