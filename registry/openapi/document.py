"""An OpenAPI document (3.0 or 3.1): its operations, its references, where it says to call.

References stay within the document: nothing is ever fetched because a document says so.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from registry.openapi.errors import NoDocument, UnusableDocument, UnusableOperation
from registry.openapi.operation import METHODS
from registry.openapi.reading import read

# A reference may lead to another one, so often.
CHAIN_LIMIT = 10

Part = dict[str, Any]

_VERSION = re.compile(r"3\.(0|1)(\.[0-9]{1,3})?")
_VARIABLE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Found:
    """One operation as it stands in the document, with the path item around it.

    `flaw` is why it cannot be called, whatever else it says. Of a path whose operations cannot be
    found there is one without a method, for people to see.
    """

    method: str
    path: str
    operation: Part
    item: Part
    flaw: str = ""


class Document:
    """The document, checked as far as anything must be to read its operations one by one."""

    def __init__(self, data: bytes) -> None:
        root = read(data)
        if not isinstance(root, dict) or "openapi" not in root:
            if isinstance(root, dict) and "swagger" in root:
                raise UnusableDocument("it is Swagger 2: convert it to OpenAPI 3")
            raise NoDocument("it is no OpenAPI document")
        found = _VERSION.fullmatch(str(root["openapi"]))
        if found is None:
            raise UnusableDocument(f"its version is {ascii(root['openapi'])[:40]}, not 3.0 or 3.1")
        if not isinstance(root.get("paths", {}), dict):
            raise UnusableDocument("its paths are no object")
        self.root: Part = root
        self.is_old = found[1] == "0"

    @property
    def version(self) -> str:
        return str(self.root["openapi"])

    @property
    def info(self) -> Part:
        return _part(self.root.get("info"))

    def operations(self) -> Iterator[Found]:
        """Every operation that could be a tool, in the document's order."""
        for path, item in self.root.get("paths", {}).items():
            # Extensions (`x-…`) are no paths.
            if isinstance(item, dict) and not path.startswith("x-"):
                yield from self._operations_at(path, item)

    def _operations_at(self, path: str, item: Part) -> Iterator[Found]:
        flaw = "" if path.startswith("/") else "its path does not begin with a slash"
        try:
            whole = {**self.resolved(item, "its path"), **item} if "$ref" in item else item
        except UnusableOperation as error:
            whole = item
            yield Found("", path, {}, {}, flaw or str(error))
        for method in METHODS:
            operation = whole.get(method.lower())
            if isinstance(operation, dict):
                yield Found(method, path, operation, whole, flaw)

    def resolved(self, part: Any, what: str) -> Part:
        """The part itself, or the one its reference leads to. Raises `UnusableOperation`."""
        for _ in range(CHAIN_LIMIT):
            if not isinstance(part, dict):
                raise UnusableOperation(f"{what} is no object")
            if "$ref" not in part:
                return part
            part = self.at(part["$ref"])
        raise UnusableOperation(f"{what} refers on and on")

    def at(self, reference: object) -> Any:
        """What a reference within the document points at (RFC 6901)."""
        if not isinstance(reference, str) or not reference.startswith("#/"):
            shown = ascii(reference)[:80]
            raise UnusableOperation(f"it refers to {shown}, which is outside the document")
        found: Any = self.root
        for name in unquote(reference[2:]).split("/"):
            key = name.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, ValueError, TypeError):
                shown = ascii(reference)[:80]
                raise UnusableOperation(f"it refers to {shown}, which is not there") from None
        return found

    def base_url(self, document_url: str) -> str:
        """Where the document says its service is; if it does not, at its own origin."""
        urls = server_urls(self.root, document_url)
        return urls[0] if urls else urljoin(document_url, "/").rstrip("/")


def server_urls(part: Mapping[str, Any], document_url: str) -> list[str]:
    """The URLs under `servers`, variables at their defaults, relative ones from the document's."""
    servers = part.get("servers")
    urls = [_url(one, document_url) for one in servers] if isinstance(servers, list) else []
    return [url for url in urls if url]


def same_place(url: str, base: str) -> bool:
    """Whether two URLs name the same service: origin and path, a slash at the end aside."""
    return _place(url) == _place(base)


def _url(server: Any, document_url: str) -> str:
    if not isinstance(server, dict) or not isinstance(server.get("url"), str):
        return ""
    variables = _part(server.get("variables"))

    def default(match: re.Match[str]) -> str:
        return str(_part(variables.get(match[1])).get("default", ""))

    try:
        return urljoin(document_url, _VARIABLE.sub(default, server["url"])).rstrip("/")
    except ValueError:
        return ""


def _place(url: str) -> tuple[str, str, int | None, str]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        return parts.scheme, (parts.hostname or ""), port, parts.path.rstrip("/")
    except ValueError:
        return "", url, None, ""


def _part(value: Any) -> Part:
    return value if isinstance(value, dict) else {}
