"""What it takes to call one operation: stands in its tool, and so under the tool's fingerprint."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

# Where it stands in the tool object's `_meta`; a server that speaks MCP is never asked for it.
META = "omni2/operation"
FLAW = "omni2/flaw"

METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE")
# RFC 3986, section 3.3, with the places of parameters.
_PATH = re.compile(r"/(?:[A-Za-z0-9/_.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|\{[^{}]+\})*")


@dataclass(frozen=True)
class Parameter:
    """One argument that goes into the path, the query or a header, and how it is written there."""

    argument: str
    name: str
    place: str
    style: str
    explode: bool
    allow_reserved: bool = False
    as_json: bool = False


@dataclass(frozen=True)
class Body:
    """The argument that becomes the request's body, and as what."""

    argument: str
    media: str


@dataclass(frozen=True)
class Operation:
    """A method and a path template, with the places of all arguments."""

    method: str
    path: str
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def as_meta(self) -> dict[str, Any]:
        """The form in which a tool object holds it."""
        return asdict(self) | {"parameters": [asdict(one) for one in self.parameters]}

    @classmethod
    def of(cls, tool: Mapping[str, Any]) -> "Operation | None":
        """The operation in a tool object, if this is one of ours."""
        meta = tool.get("_meta")
        found = meta.get(META) if isinstance(meta, Mapping) else None
        if not isinstance(found, Mapping):
            return None
        try:
            body = found["body"]
            if found["method"] not in METHODS or not is_path(found["path"]):
                return None
            return cls(
                method=found["method"],
                path=found["path"],
                parameters=tuple(Parameter(**one) for one in found["parameters"]),
                body=Body(**body) if body else None,
            )
        except (KeyError, TypeError):
            return None


def is_path(path: str) -> bool:
    """Whether this is the template of a path, and of one that stays where it is."""
    parts = unquote(path).replace("\\", "/").split("/")
    return bool(_PATH.fullmatch(path)) and not {".", ".."}.intersection(parts)
