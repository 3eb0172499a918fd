"""On whose behalf a request goes to a server: what they can be asked, and what they want to hear.

The gateway itself can be asked nothing. Where an MCP client waits behind it, a tool may ask that
client's person, and what the server says while it works reaches them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# A server that talks without end is not listened to without end.
HEARD_LIMIT = 1000
LOG_MESSAGE = "notifications/message"

Hear = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Behalf:
    """Whoever waits behind us for one request.

    `capabilities` are those of the protocol that the server may rely on, `log_level` the least
    that they want to hear of ("" is nothing). `hear` is given the method and the parameters of a
    notification, perhaps in the client's event loop: it must not block. `more` goes with the
    request's own parameters (the answers to what a tool asked, and the state it wants back).
    """

    capabilities: Mapping[str, Any] = field(default_factory=dict)
    log_level: str = ""
    hear: Hear | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


ALONE = Behalf()
