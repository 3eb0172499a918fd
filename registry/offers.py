"""A tool as its server lists it, made fit to be stored, with what makes it unusable if anything.

Pure: no rows, no network. A server may send anything; nothing here raises for it.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.fingerprint import fingerprint
from registry.naming import check_tool_name, is_plain_tool_name
from registry.openapi.operation import FLAW
from registry.schemas import check_schema
from registry.subschemas import Unusable, check_depth, check_size

MAX_DESCRIPTION = 16_000
MAX_TOOL_BYTES = 128 * 1024
MAX_TITLE = 255
SHOWN_NAME = 60
TWICE = "its server lists two different tools of this name"

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Offer:
    """One listed tool: the name it is kept under, the storable object, its fingerprint.

    `flaw` is why it cannot be offered whoever accepts it; "" when it can.
    """

    name: str
    tool: dict[str, Any]
    fingerprint: str
    flaw: str

    @classmethod
    def of(cls, listed: dict[str, Any]) -> "Offer":
        """The offer in one listed object."""
        tool = _bounded(listed)
        return cls(_kept_name(listed.get("name")), tool, fingerprint(tool), flaw_of(listed))

    @property
    def title(self) -> str:
        """What people call it: its title, or the one that older servers put among the hints."""
        for place in (self.tool, self.annotations):
            title = place.get("title")
            if isinstance(title, str) and title.strip():
                return title.strip()[:MAX_TITLE]
        return ""

    @property
    def description(self) -> str:
        return str(self.tool.get("description") or "")

    @property
    def annotations(self) -> dict[str, Any]:
        """The hints; {} when the server sent something else in their place."""
        annotations = self.tool.get("annotations")
        return annotations if isinstance(annotations, dict) else {}


def offers_of(tools: Sequence[Any]) -> list[Offer]:
    """The offers in a list of tools, one for each name; two different ones of a name are a flaw."""
    offers: dict[str, Offer] = {}
    for listed in tools:
        if not isinstance(listed, dict):
            continue
        offer = Offer.of(listed)
        known = offers.setdefault(offer.name, offer)
        if known.fingerprint != offer.fingerprint:
            offers[offer.name] = replace(known, flaw=known.flaw or TWICE)
    return list(offers.values())


def flaw_of(tool: dict[str, Any]) -> str:
    """Why no decision can make this tool usable; "" when one can."""
    meta = tool.get("_meta")
    if isinstance(meta, dict) and FLAW in meta:
        return str(storable(str(meta[FLAW])))[:MAX_TITLE]
    flaw = check_tool_name(tool.get("name"))
    if flaw is not None:
        return flaw
    description = tool.get("description")
    if description is not None and not isinstance(description, str):
        return "its description is not a string"
    if description is not None and len(description) > MAX_DESCRIPTION:
        length = len(description)
        return f"its description has {length:,} characters; {MAX_DESCRIPTION:,} are allowed"
    flaw = check_schema(tool.get("inputSchema"))
    if flaw is not None:
        return flaw
    try:
        check_depth(tool)
        check_size(storable(tool), MAX_TOOL_BYTES)
    except Unusable as error:
        return f"the tool cannot be stored: {error}"
    return ""


def storable(value: Any) -> Any:
    """The same JSON with what databases refuse shown as U+FFFD: NUL and halves of characters."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list) else value


def _bounded(tool: dict[str, Any]) -> dict[str, Any]:
    """The tool as it can be stored; of one that is too large or no JSON, only its name."""
    try:
        check_depth(tool)
        clean: dict[str, Any] = storable(tool)
        check_size(clean, MAX_TOOL_BYTES)
    except Unusable:
        return {"name": _kept_name(tool.get("name"))}
    return clean


def _kept_name(name: object) -> str:
    """The tool's name; for what is no name, something readable that no other tool can have."""
    if is_plain_tool_name(name):
        return str(name)
    digest = hashlib.sha256(ascii(name).encode()).hexdigest()[:8]
    return f"{ascii(name)[:SHOWN_NAME]} ({digest})"
