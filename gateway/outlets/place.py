"""Where the record is sent, as one address of the deployment's settings says it."""

import re
from dataclasses import dataclass

from registry.mcp.errors import GuardRefused
from registry.mcp.guard import canonical_host

SCHEMES = ("https", "http", "syslog+tls", "syslog+tcp", "syslog+udp")
_SYSLOG = re.compile(
    r"syslog\+(tls|tcp|udp)://(\[[0-9a-fA-F:.]+\]|[^\[\]:/?#@\s]+):([1-9][0-9]{0,4})/?"
)
EXPECTED = (
    "This is https://HOST/PATH, or syslog+tls://HOST:6514, syslog+tcp://HOST:601, "
    "syslog+udp://HOST:514."
)


@dataclass(frozen=True)
class Place:
    """An HTTP address, or by which transport and at which host and port syslog is spoken."""

    url: str = ""
    transport: str = ""
    host: str = ""
    port: int = 0


def read(address: str) -> Place:
    """The place that the address names. Raises ValueError, which says what it should be."""
    if address.startswith(("https://", "http://")):
        return Place(url=address)
    found = _SYSLOG.fullmatch(address)
    if found is None or int(found[3]) > 65535:
        raise ValueError(EXPECTED)
    try:
        return Place(transport=found[1], host=canonical_host(found[2]), port=int(found[3]))
    except GuardRefused as refused:
        raise ValueError(f"{refused.reason} {EXPECTED}") from None
