"""Agreeing with a server on a protocol version."""

import anyio
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError

from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadAnswer
from registry.mcp.exchange import Exchange
from registry.mcp.meaning import says_nothing_of_versions, translated

_NO = (MCPError, ValidationError, RuntimeError)


async def agree(session: ClientSession, endpoint: Endpoint, opening: Exchange) -> None:
    """The stateless generation first, else by handshake, else the first once more: the server was
    slow to say so, or is another one than last time. Raises UpstreamError."""
    half = endpoint.connect_timeout / 2
    # The legacy transport is older than the stateless generation: its servers may not even
    # refuse a question they do not know.
    is_old = endpoint.transport == "sse"
    if not is_old and endpoint.generation_hint not in HANDSHAKE_PROTOCOL_VERSIONS:
        try:
            with anyio.move_on_after(half):
                await session.discover()
                return
        except _NO:
            failure = opening.failure
            if failure is not None and says_nothing_of_versions(failure):
                raise failure from None
        opening.failure = None
    try:
        await session.initialize()
    except MCPError as error:
        if opening.failure is not None or is_old or not await _discovered(session):
            raise opening.failure or translated(error, opening) from None
    except (ValidationError, RuntimeError):
        raise BadAnswer("The server's answer to `initialize` is not valid.") from None


async def _discovered(session: ClientSession) -> bool:
    try:
        await session.discover()
    except _NO:
        return False
    return True
