"""Why a probe found nothing to register, in words that say what to do about it. Pure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from audit.redact import redact_text
from registry.errors import AddressRefused, NotProbed
from registry.mcp.errors import (
    GuardRefused,
    HttpRefused,
    Rejected,
    TimedOut,
    Unreachable,
    UpstreamError,
)

if TYPE_CHECKING:
    from registry.mcp.plain import Answer

_USUAL_PATHS = (
    "MCP servers answer at a path of their own, often /mcp or /sse: see the server's own pages."
)
_TURNED_AWAY: Mapping[int, tuple[str, str]] = {
    403: (
        "The server turns us away (HTTP 403).",
        "Ask its operator whether this gateway's address or a credential has to be let in.",
    ),
    404: ("There is nothing at this path (HTTP 404).", _USUAL_PATHS),
    405: ("This path takes no MCP requests (HTTP 405).", _USUAL_PATHS),
    407: (
        "A proxy on the way wants to know who we are (HTTP 407).",
        "Servers are dialled directly: let the gateway through without the proxy.",
    ),
    429: ("The server says that we ask too often (HTTP 429).", "Try again in a minute."),
}
_KINDS: Mapping[str, tuple[str, str]] = {
    "text/html": ("A web page answers there, no MCP server.", _USUAL_PATHS),
    "application/xhtml+xml": ("A web page answers there, no MCP server.", _USUAL_PATHS),
    "application/json": (
        "JSON answers there, but it is neither MCP nor an OpenAPI document.",
        "Enter the server's MCP address, or where its OpenAPI document lies.",
    ),
}


def unreachable(error: UpstreamError) -> NotProbed:
    """The failure to get any answer at all."""
    if isinstance(error, GuardRefused):
        return _refused(error)
    if isinstance(error, TimedOut):
        return _not_probed(
            "Nothing answered in time.",
            "Is the server running, and does a firewall let this gateway through to it?",
        )
    text = error.message
    if "certificate" in text.lower() or "SSL" in text:
        return _not_probed(
            f"The server's TLS certificate or protocol is not accepted: {_reason(text)}",
            "Give the server a certificate for this very name; for a private authority, let "
            "SSL_CERT_FILE name its certificate where the gateway runs.",
        )
    return _not_probed(text, "Is the server running, and are host and port right?")


def command(error: UpstreamError) -> NotProbed:
    """The failure of a command that should have been a server."""
    said = f" It said: {error.detail}" if error.detail else ""
    return _not_probed(
        f"The command is no MCP server, or did not become one in time. {error.message}{said}",
        "Run it by hand where the gateway runs: is everything installed that it needs?",
    )


def no_tools(error: Rejected) -> NotProbed:
    """The failure of a server that knows the protocol and lists nothing."""
    return _not_probed(
        f"It speaks MCP, but does not list its tools: {error.message}",
        "Only servers with tools can be registered; its operator knows what it offers.",
    )


def not_mcp(error: UpstreamError, answer: "Answer") -> NotProbed:
    """The failure of something that answers, by what it says to MCP and to a plain GET."""
    if 300 <= answer.status < 400:
        return _not_probed(
            f"It redirects (HTTP {answer.status}), and redirects are not followed.",
            f"If you trust it, probe where it leads: {answer.location[:300]}",
        )
    if answer.status >= 500:
        return _not_probed(
            f"The server fails (HTTP {answer.status}).", "Its own log says why; then try again."
        )
    found = _TURNED_AWAY.get(answer.status) or _KINDS.get(answer.kind)
    if found is None and isinstance(error, HttpRefused):
        found = _TURNED_AWAY.get(error.status or 0)
    message, hint = found or (f"What answers there is no MCP server. {error.message}", _USUAL_PATHS)
    return _not_probed(message, hint)


def failure(error: UpstreamError) -> NotProbed:
    """The failure of anything else."""
    if isinstance(error, Unreachable | TimedOut):
        return unreachable(error)
    return _not_probed(f"It is no usable MCP server. {error.message}", _USUAL_PATHS)


def _refused(error: GuardRefused) -> AddressRefused:
    if "resolved" in error.reason or "has no address" in error.reason:
        return AddressRefused(error.reason, hint="Check how the host is written.")
    return AddressRefused(
        error.reason,
        hint="Servers are public and reached by https. One inside your network has to be listed "
        "as host:port in OMNI2_INTERNAL_ADDRESSES by whoever runs the deployment.",
    )


def _not_probed(message: str, hint: str) -> NotProbed:
    # Servers repeat what they were sent, and that may be a credential.
    return NotProbed(redact_text(message), hint=redact_text(hint))


def _reason(text: str) -> str:
    return text.partition(": ")[2] or text
