"""A REST service as a probe shows it: what its OpenAPI document says, judged as a sync would."""

from typing import TYPE_CHECKING

from django.conf import settings

from registry import probed
from registry.mcp.errors import GuardRefused
from registry.mcp.guard import check_url, parse_url
from registry.models import Server
from registry.probed import Seen

if TYPE_CHECKING:
    from registry.openapi.listing import Described


def seen(described: "Described", document_url: str) -> Seen:
    """The service at the address that its document names, where that may be dialled."""
    base, refusal = _dialled(described.base_url)
    tools = probed.tools_of(described.tools, url=base)
    instructions = probed.shown(described.instructions)
    wants = [one for one in described.wants if one.kind]
    return Seen(
        transport=Server.Transport.OPENAPI,
        url=base,
        document_url=document_url,
        protocol_version=described.version[:32],
        server_info=probed.storable(described.server_info),
        instructions=instructions,
        tools=tools,
        warnings=(
            *refusal,
            *_elsewhere(base, document_url),
            *probed.warnings_of(tools, url=base, instructions=instructions),
            *(f"It wants a credential: {one.said}." for one in described.wants),
        ),
        suggested_authentication=wants[0].kind if wants else "none",
        suggested_header=wants[0].header if wants else "",
        suggested_name=probed.suggested_name(described.server_info, base or document_url, ()),
    )


def _dialled(url: str) -> tuple[str, tuple[str, ...]]:
    """The service's address if it may be dialled; otherwise what is in the way."""
    try:
        check_url(url, settings.INTERNAL_ADDRESSES)
    except GuardRefused as error:
        return "", (f"Its document sends calls to {url[:300]}: {error.reason}",)
    return url, ()


def _elsewhere(base: str, document_url: str) -> tuple[str, ...]:
    if not base or parse_url(base) == parse_url(document_url):
        return ()
    return (f"Calls go to another host than the document's: {parse_url(base).address}.",)
