"""The OpenAPI document of a REST service: what it must be to be registered, and keeping it."""

from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from registry.mcp.errors import GuardRefused
from registry.mcp.guard import check_url
from registry.models import Document, Server

# Bytes, as a form sends it. Every door takes 1 MiB at a time: what came by one must fit through
# the form of the server's page, beside everything else that stands there.
TEXT_LIMIT = 1_000_000


class Fault(NamedTuple):
    """What is wrong with one field of a server."""

    field: str
    message: str


def fault_of(transport: str, url: str, document_url: str, text: str) -> Fault | None:
    """What keeps a server of this transport at this URL from having this document, if anything.

    `url` has passed the guard already.
    """
    if transport != Server.Transport.OPENAPI:
        given = "document_url" if document_url else "document"
        return Fault(given, "only a REST service has a document") if document_url or text else None
    if urlsplit(url).query:
        return Fault("url", "the address of a REST service has no query")
    if bool(document_url) == bool(text):
        return Fault("document_url", "give either where the OpenAPI document lies, or its text")
    return _of_text(text) if text else _of_url(document_url)


def keep(server: Server, document_url: str, text: str) -> bool:
    """Have the server's document be this one, or none; whether that changes anything."""
    before = Document.objects.filter(server=server)
    if not document_url and not text:
        return bool(before.delete()[0])
    if before.filter(url=document_url, text=text).exists():
        return False
    Document.objects.update_or_create(server=server, defaults={"url": document_url, "text": text})
    return True


def _of_url(url: str) -> Fault | None:
    try:
        check_url(url, settings.INTERNAL_ADDRESSES)
    except GuardRefused as refused:
        return Fault("document_url", refused.reason)
    return None


def _of_text(text: str) -> Fault | None:
    from registry.openapi.document import Document as Read  # noqa: PLC0415  loads the MCP SDK's types
    from registry.openapi.errors import UnusableDocument  # noqa: PLC0415  belongs to it

    # A browser sends each line break as two bytes.
    if len(text.encode()) + text.replace("\r\n", "").count("\n") > TEXT_LIMIT:
        limit = f"{TEXT_LIMIT:,} bytes"
        return Fault("document", f"as text it has at most {limit}; say where it lies instead")
    if "\0" in text:
        return Fault("document", "the text holds a NUL")
    try:
        Read(text.encode())
    except UnusableDocument as error:
        return Fault("document", f"the OpenAPI document cannot be used: {error}")
    return None
