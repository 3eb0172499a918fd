"""A document → what a server lists, for whoever reads tools."""

from dataclasses import dataclass
from typing import Any

from registry.mcp.errors import BadAnswer
from registry.openapi.document import Document
from registry.openapi.errors import UnusableDocument
from registry.openapi.operations import tools_of

TEXT_LENGTH = 4_000


@dataclass(frozen=True)
class Described:
    """What a document says of a service: its tools, itself, and where it is."""

    tools: list[dict[str, Any]]
    version: str
    server_info: dict[str, Any]
    instructions: str
    base_url: str


def described(data: bytes, *, base_url: str = "", document_url: str = "") -> Described:
    """What the document says. Raises `UnusableDocument`.

    `base_url` is where the service was registered; without one it is where the document says.
    """
    document = Document(data)
    own_base = document.base_url(document_url)
    info = document.info
    title = _text(info.get("title"))
    return Described(
        tools=tools_of(document, base_url=base_url or own_base, document_url=document_url),
        version=f"OpenAPI {document.version}",
        server_info={"name": title, "version": _text(info.get("version"))[:100]},
        instructions=_text(info.get("description")) or _text(info.get("summary")),
        base_url=own_base,
    )


def listed(data: bytes, *, base_url: str, document_url: str = "") -> Described:
    """As `described`; what cannot be used is a bad answer of the server."""
    try:
        return described(data, base_url=base_url, document_url=document_url)
    except UnusableDocument as error:
        raise BadAnswer(f"The OpenAPI document cannot be used: {error}.") from None


def _text(value: Any) -> str:
    return value.strip()[:TEXT_LENGTH] if isinstance(value, str) else ""
