"""What the SDK's errors mean for whoever waits: the same code may say quite different things."""

import mcp_types as types
from mcp.shared.exceptions import MCPError

from registry.mcp.errors import (
    BadAnswer,
    HttpRefused,
    Rejected,
    TimedOut,
    Unreachable,
    UpstreamError,
)
from registry.mcp.exchange import Exchange

# What the SDK says, by the same code that servers use for anything, when a stream ended early.
_BROKEN = (
    "Connection closed",
    "SSE stream ended without a response",
    "SSE stream ended and reconnection attempts were exhausted",
)


def says_nothing_of_versions(failure: UpstreamError) -> bool:
    """Whether asking by handshake would only meet the same failure again."""
    if isinstance(failure, HttpRefused):
        return failure.status in (401, 403, 407, 429)
    return isinstance(failure, Unreachable | TimedOut)


def translated(error: MCPError, exchange: Exchange) -> UpstreamError:
    """Our error for the SDK's, in an exchange that has none of its own."""
    if error.code == types.CONNECTION_CLOSED and error.message in _BROKEN:
        return Unreachable(
            "The connection broke before the answer came.", executed=exchange.executed
        )
    if error.code == types.PARSE_ERROR:
        return BadAnswer(error.message)
    return Rejected(error.message, rpc_code=error.code, status=exchange.status, data=error.data)
