"""A document → what a server lists, for whoever reads tools."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from registry.mcp import guard
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadAnswer
from registry.mcp.plain import Answer
from registry.openapi.document import Document
from registry.openapi.errors import UnusableDocument
from registry.openapi.operations import tools_of
from registry.openapi.results import refused
from registry.openapi.security import Wanted, wanted

TEXT_LENGTH = 4_000
ACCEPT = "application/vnd.oai.openapi+json, application/json, application/yaml;q=0.9, */*;q=0.5"


@dataclass(frozen=True)
class Described:
    """What a document says of a service: its tools, itself, and where it is."""

    tools: list[dict[str, Any]]
    version: str
    server_info: dict[str, Any]
    instructions: str
    base_url: str
    wants: tuple[Wanted, ...] = ()


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
        wants=tuple(wanted(document)),
    )


def listed(endpoint: Endpoint, fetch: Callable[[Endpoint], Answer]) -> Described:
    """What the document of this endpoint says, fetched from where it lies if it is not there.

    The credential goes along only to the origin that it is for.
    """
    data = endpoint.document.encode()
    if not data:
        if not endpoint.document_url:
            raise BadAnswer("There is no OpenAPI document to read its tools from.")
        answer = fetch(_of_document(endpoint))
        if answer.status != 200:
            raise refused(answer)
        data = answer.body
    try:
        return described(data, base_url=endpoint.url, document_url=endpoint.document_url)
    except UnusableDocument as error:
        raise BadAnswer(f"The OpenAPI document cannot be used: {error}.") from None


def _of_document(endpoint: Endpoint) -> Endpoint:
    at = endpoint.document_url
    is_at_home = guard.parse_url(at) == guard.parse_url(endpoint.url)
    return replace(endpoint, url=at, headers=endpoint.headers if is_at_home else {})


def _text(value: Any) -> str:
    return value.strip()[:TEXT_LENGTH] if isinstance(value, str) else ""
