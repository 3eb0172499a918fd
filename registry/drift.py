"""What is different between two forms of a tool, in words, and what of it is dangerous. Pure.

A fingerprint says that something changed; this says what, to the person who decides. Dangerous is
what lets a server ask for more, reach further, claim to be harmless or speak to the model. It is
help for the eye and decides nothing: whatever has changed waits, dangerous or not.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from registry.fingerprint import fingerprint
from registry.openapi.operation import Operation
from registry.scanner import findings, texts_of
from registry.widening import ABSENT, Difference, compare_schemas, quoted

__all__ = ["NEW_WORDING", "Difference", "differences"]

MOST = 60
NEW_WORDING = "new wording"

# Hint, what counts when it is not given, and what is said when it becomes true or false.
_HINTS = (
    (
        "readOnlyHint",
        False,
        "it says now that it only reads: calls of it may be repeated",
        "it no longer says that it only reads",
    ),
    (
        "destructiveHint",
        True,
        "it no longer says that it destroys nothing",
        "it says now that it destroys nothing",
    ),
    (
        "idempotentHint",
        False,
        "it says now that twice is as good as once: calls of it may be repeated",
        "it no longer says that twice is as good as once",
    ),
    (
        "openWorldHint",
        True,
        "it no longer says that it stays within its own world",
        "it says now that it stays within its own world",
    ),
)
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n+")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>`)\]}]{1,200}"
    r"|[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}"
    r"|\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b"
    r"|\b(?:[a-z0-9-]{1,63}\.){2,6}[a-z]{2,24}\b"
    r"|\b[a-z0-9-]{1,63}\.(?:com|net|org|io|dev|ai|app|cloud|example)\b",
    re.IGNORECASE,
)


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, servers: Collection[str] = ()
) -> list[Difference]:
    """What is different in `after`, the dangerous first; [] when nothing is.

    `servers` are the other ones that are registered, as `registry.scanner` wants them.
    At most `MOST` are told one by one; the last then says how many more there are.
    """
    found = list(dict.fromkeys([*_wording(before, after, servers), *_all(before, after)]))
    if not found and fingerprint(before) != fingerprint(after):
        # Such as 1 and true, which Python takes for the same.
        found = [Difference("it differs in a way that is not told here", dangerous=True)]
    found.sort(key=lambda one: not one.dangerous)
    left = found[MOST:]
    if left:
        dangerous = any(one.dangerous for one in left)
        return [*found[:MOST], Difference(f"and {len(left)} more", dangerous)]
    return found


def _all(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    yield from _addresses(before, after)
    yield from _hints(_object(before, "annotations"), _object(after, "annotations"))
    yield from compare_schemas(before.get("inputSchema"), after.get("inputSchema"))
    yield from _operations(Operation.of(before), Operation.of(after))
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        if old != new and key not in ("inputSchema", "annotations"):
            yield _part(key, old, new)


def _wording(
    before: Mapping[str, Any], after: Mapping[str, Any], servers: Collection[str]
) -> Iterator[Difference]:
    """What the scanner finds in what is newly said; what was accepted already is not told again."""
    known = set(_sentences(before))
    new = [one for one in _sentences(after) if one not in known]
    known_of = findings(before, servers=servers)
    late = [one for one in findings(after, servers=servers) if one not in known_of]
    for finding in dict.fromkeys([*findings({"new": new}, servers=servers), *late]):
        yield Difference(f"{NEW_WORDING}: {finding}", dangerous=True)


def _addresses(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    known = set(_addresses_in(before))
    for address in dict.fromkeys(_addresses_in(after)):
        if address not in known:
            yield Difference(f"it names an address that is new: {quoted(address)}", dangerous=True)


def _hints(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    told = set()
    for name, default, raised, dropped in _HINTS:
        old, new = _hint(before, name, default=default), _hint(after, name, default=default)
        if old != new:
            told.add(name)
            yield Difference(raised if new else dropped, dangerous=True)
    for key in sorted((before.keys() | after.keys()) - told):
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        if old != new:
            yield Difference(f"annotation {quoted(key)} was {quoted(old)}, is {quoted(new)}")


def _operations(before: Operation | None, after: Operation | None) -> Iterator[Difference]:
    """What a call of a REST service is, beside what it was."""
    if before is None or after is None or before == after:
        return
    if str(before) != str(after):
        said = f"a call of it is {quoted(str(after))}, it was {quoted(str(before))}"
    else:
        said = "its arguments go elsewhere in the request, or are written otherwise"
    yield Difference(said, dangerous=True)


def _part(key: str, old: Any, new: Any) -> Difference:
    if key == "description":
        was, now = _split(str(old)), _split(str(new))
        added = sum(one not in was for one in now)
        gone = sum(one not in now for one in was)
        return Difference(f"the description has changed (sentences: {added} new, {gone} gone)")
    if isinstance(old, dict | list) or isinstance(new, dict | list):
        return Difference(f"{quoted(key)} has changed")
    return Difference(f"{quoted(key)} was {quoted(old)}, is {quoted(new)}")


def _hint(annotations: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = annotations.get(name, default)
    return value if isinstance(value, bool) else default


def _object(tool: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = tool.get(key)
    return value if isinstance(value, dict) else {}


def _sentences(tool: Mapping[str, Any]) -> Iterator[str]:
    for text in texts_of(tool):
        yield from _split(text)


def _split(text: str) -> list[str]:
    parts = (" ".join(part.split()) for part in _SENTENCE.split(text))
    return [part for part in parts if part]


def _addresses_in(tool: Mapping[str, Any]) -> Iterator[str]:
    for text in texts_of(tool):
        yield from (found.rstrip(".,;:") for found in _ADDRESS.findall(text))
